"""An intersection tells the right photos in the right order, however its lists are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingestor.catalog.merge import Intersection
from ingestor.catalog.query import Place

RANKS = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 4))


def as_list(ranks: dict[str, int]) -> list[Place]:
    return sorted(Place(rank, photo) for photo, rank in ranks.items())


def answer(lists: list[dict[str, int]]) -> list[Place]:
    return sorted(
        Place(max(ranks[photo] for ranks in lists), photo)
        for photo in lists[0]
        if all(photo in ranks for ranks in lists)
    )


@given(
    lists=st.lists(RANKS, min_size=1, max_size=3), size=st.integers(1, 4), rank_wise=st.booleans()
)
def test_what_is_told_early_is_what_would_be_told_in_the_end(
    lists: list[dict[str, int]], size: int, rank_wise: bool
) -> None:
    common = Intersection(len(lists))
    read = [0] * len(lists)
    told: list[Place] = []

    while unread := common.unread():
        for number in unread[:1] if rank_wise else unread:
            piece = as_list(lists[number])[read[number] :][:size]
            common.feed(number, piece, ended=len(piece) < size)
            read[number] += len(piece)
        told += common.ready()
        assert told == answer(lists)[: len(told)]

    assert told == answer(lists)


@given(lists=st.lists(RANKS, min_size=2, max_size=3))
def test_candidates_are_all_that_need_looking_up_once_a_list_has_ended(
    lists: list[dict[str, int]],
) -> None:
    common = Intersection(len(lists))
    assert common.candidates() is None

    common.feed(0, as_list(lists[0]), ended=True)
    candidates = common.candidates()
    assert candidates is not None
    common.finish(
        {
            photo: [ranks[photo] for ranks in lists]
            for photo in candidates
            if all(photo in ranks for ranks in lists)
        }
    )

    assert common.ready() == answer(lists)


def test_nothing_is_certain_while_a_shorter_reading_might_change_it() -> None:
    common = Intersection(2)

    common.feed(0, [Place(1, "a"), Place(5, "b")], ended=False)
    common.feed(1, [Place(2, "b")], ended=False)
    early = common.ready()
    common.feed(1, [Place(5, "c")], ended=False)

    assert early == []
    assert common.ready() == [Place(5, "b")]


def test_a_photo_that_moves_while_it_is_read_is_told_once() -> None:
    common = Intersection(2)

    common.feed(0, [Place(1, "a")], ended=False)
    common.feed(1, [Place(1, "a")], ended=True)
    common.feed(0, [Place(3, "a")], ended=True)

    assert [place.photo for place in common.ready()] == ["a"]
