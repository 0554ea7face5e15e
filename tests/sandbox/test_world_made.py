"""The made-up world: the same for the same seed, in whatever order one asks."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from ingestor.sandbox.photos import CONDITIONS, ScenePhoto
from ingestor.sandbox.vocabulary import MAX_LABELS
from ingestor.sandbox.world import GROUPS, World

SEED = 7
ZOO, SAFARI, AVIARY, EMPTY, SECRET = (group.nsid for group in GROUPS)


def a_world(*, seed: int = SEED, photos: int = 3_000) -> World:
    return World.made(seed, photos=photos)


def photos_of(world: World, nsid: str = ZOO) -> list[ScenePhoto]:
    return [photo for photo in map(world.photo, world.pools[nsid].now()) if photo is not None]


def test_the_same_seed_makes_the_same_world_in_any_order() -> None:
    ids = list(a_world().pools[ZOO].now())
    shuffled = random.Random(1).sample(ids, k=len(ids))
    world, other = a_world(), a_world()

    backwards = {photo_id: other.photo(photo_id) for photo_id in shuffled}

    assert {photo_id: world.photo(photo_id) for photo_id in ids} == backwards
    assert all(world.sight_of(i) == other.sight_of(i) for i in shuffled[:200])


def test_vision_takes_some_pictures_of_the_untidy_pool_for_racy_and_none_of_the_zoo() -> None:
    world = a_world()

    racy = {
        nsid: sum(world.sight_of(p.id).safe_search.racy == "LIKELY" for p in photos_of(world, nsid))
        for nsid in (ZOO, SAFARI)
    }

    assert racy[ZOO] == 0
    assert 10 < racy[SAFARI] < 60


def test_another_seed_makes_another_world() -> None:
    assert not {p.id for p in photos_of(a_world())} & {p.id for p in photos_of(a_world(seed=8))}


def test_a_larger_pool_has_the_same_older_photos() -> None:
    small, large = a_world(photos=500), a_world(photos=1_000)

    assert photos_of(large)[500:] == photos_of(small)


def test_ids_have_eleven_digits_and_are_in_one_pool_only() -> None:
    world = a_world()

    ids = [photo_id for pool in world.pools.values() for photo_id in pool.now()]

    assert len(ids) == len(set(ids))
    assert all(len(photo_id) == 11 and photo_id.isdigit() for photo_id in ids)


def test_the_pools_have_their_sizes() -> None:
    world = World.made(SEED)

    sizes = [len(world.pools[nsid].now()) for nsid in (ZOO, SAFARI, AVIARY, EMPTY)]

    assert sizes == [25_000, 3_000, 2_000, 0]


@pytest.mark.parametrize(
    "photo_id", ["", "1", "x", "-5", "51025113385", "99999999999", "٥١٠٢٥١١٣٣٨٤", "9" * 30]
)
def test_an_id_that_is_nobodys_is_no_photo(photo_id: str) -> None:
    world = a_world()

    assert world.photo(photo_id) is None
    assert world.labels_of(photo_id), "Vision sees something in everything"


def test_the_tidy_pool_is_tidy() -> None:
    photos = photos_of(a_world())

    assert all(photo.condition == "there" and "z" in photo.sizes for photo in photos)
    assert {photo.media for photo in photos} == {"photo"}
    assert not any(p.hidden or p.double or p.bytes_of != p.id for p in photos)


def test_the_untidy_pool_has_every_flaw() -> None:
    photos = photos_of(a_world(), SAFARI)

    assert {photo.condition for photo in photos} > CONDITIONS
    assert all(
        any(flaw(photo) for photo in photos)
        for flaw in (
            lambda photo: photo.media == "video",
            lambda photo: "z" not in photo.sizes and photo.sizes,
            lambda photo: not photo.sizes,
            lambda photo: photo.pictureless,
            lambda photo: photo.hidden,
            lambda photo: photo.double,
            lambda photo: photo.bytes_of != photo.id,
        )
    )


def test_a_picture_posted_again_shows_the_same() -> None:
    world = a_world()
    again = next(p for p in photos_of(world, SAFARI) if p.bytes_of != p.id)

    first = world.photo(again.bytes_of)

    assert first is not None
    assert first.scene == again.scene
    assert world.sight_of(again.id) == world.sight_of(first.id)


def test_labels_come_best_first_and_are_not_too_many() -> None:
    world = a_world()

    for photo in photos_of(world)[:500]:
        scores = [label.score for label in world.labels_of(photo.id)]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) <= MAX_LABELS
        assert all(0.5 < score < 1 for score in scores)


def test_labels_keep_the_company_and_the_frequencies_of_real_ones() -> None:
    world, photos = a_world(), photos_of(a_world())

    seen = Counter(
        label.description for photo in photos for label in world.labels_of(photo.id)[:10]
    )

    shares = {word: count / len(photos) for word, count in seen.items()}
    order = ["Wildlife", "Vertebrate", "Mammal", "Bird", "Macro photography", "Dog", "Cat"]
    assert [shares[word] for word in order] == sorted((shares[w] for w in order), reverse=True)
    assert 0.05 < shares["Dog"] < 0.15
    assert 0.25 < shares["Bird"] < 0.45
    assert {"Butterfly", "Vicuña", "Small to medium-sized cats", "Whiskers"} < set(shares)


def test_some_photos_have_no_labels_and_some_words_no_entity() -> None:
    world, photos = a_world(), photos_of(a_world())

    sights = [world.labels_of(photo.id) for photo in photos]

    assert 0.01 < sum(not labels for labels in sights) / len(photos) < 0.03
    mids = {label.description: label.mid for labels in sights for label in labels}
    assert any(mid is None for mid in mids.values())
    assert mids["Dog"] == "/m/0bt9lr"


def test_two_photos_can_score_exactly_the_same() -> None:
    world = a_world()

    dogs = Counter(
        label.score
        for photo in photos_of(world)
        for label in world.labels_of(photo.id)
        if label.description == "Dog"
    )

    assert max(dogs.values()) > 3
    assert len(dogs) > 10


def test_photos_arrive_in_the_order_of_their_ids_and_times() -> None:
    photos = photos_of(a_world())[::-1]

    pairs = list(itertools.pairwise(photos))

    assert all(int(a.id) < int(b.id) and a.added <= b.added for a, b in pairs)
    assert any(a.added == b.added for a, b in pairs), "two in the same second"


def test_a_reset_puts_the_pools_back() -> None:
    world = a_world()
    before = list(world.pools[ZOO].now())
    world.withdraw(ZOO, ids=before[:3])
    arrived = world.arrive(ZOO, count=2)

    world.reset()

    assert list(world.pools[ZOO].now()) == before
    assert world.photo(arrived[0]) is None


def test_a_restless_pool_moves_when_listed_and_not_when_looked_at() -> None:
    pool = a_world().pools[AVIARY]

    looked = [list(pool.now()) for _ in range(3)]
    listed = [list(pool.listed(1)) for _ in range(4)]

    assert looked[0] == looked[1] == looked[2] == listed[0]
    assert listed[0] != listed[3]


def test_strangers_are_seen_by_their_bytes() -> None:
    world = a_world()

    assert world.sight_of_stranger(b"one") == world.sight_of_stranger(b"one")
    assert world.sight_of_stranger(b"one") != world.sight_of_stranger(b"two")
    assert world.sight_of_stranger(b"one").labels
