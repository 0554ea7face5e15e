"""
When everything has been done: is everything there, right, and paid for once?

Journal, database and the vendor's bill are three accounts of the same thing, and must agree.
"""

from __future__ import annotations

import orjson

from tests.simulation.checks import Checker
from tests.simulation.world import World, equal_labels


def check_end(world: World, checker: Checker) -> None:
    """The end of one machine's schedule."""
    check_states(world, checker)
    _check_stores(world, checker)
    check_bill(world, checker)


def check_states(world: World, checker: Checker) -> None:
    """Every photo of the pool has come to the end that it deserves."""
    disk, hold = world.disk, checker.hold
    reasons = dict(disk.look("SELECT id, reason FROM photos WHERE state = 'dead'"))
    for picture in world.followed:
        photo = picture.photo.id
        state = world.states.get(photo)
        hold(state in ("stored", "dead", "skipped"), f"{photo} was lost: it is {state}")
        troubles = world.troubles_of(photo)
        allowed = {end for trouble in troubles for end in _expected(world, trouble)}
        said = f"{state} {reasons.get(photo, '')}".strip()
        hold(said in allowed, f"{photo} ({troubles}) is {said}")
    for photo, labels, sha256, features in disk.look(
        "SELECT photo, labels, sha256, features FROM annotations"
    ):
        picture = world.picture_of(photo, sha256.hex())
        hold(picture.sha256 == sha256.hex(), f"{photo} with other bytes")
        right = equal_labels(orjson.loads(labels), picture.content, features=features)
        hold(right, f"{photo} is {labels}")


def _expected(world: World, trouble: str) -> set[str]:
    expected = {
        "gone": {"dead gone"},
        "corrupt": {"dead corrupt"},
        "unreadable": {"dead vision-bad-image"},
        "poison": {"dead vision-invalid-argument"},
        "refused": {"dead store-refused"} if world.scenario.database else {"stored"},
        "video": {"skipped video"},
        "no-url": {"dead no-url"},
    }.get(trouble, {"stored"})
    if trouble == "video":
        return {"skipped"}
    if world.scenario.in_doubt == "park" and world.scenario.fates:
        expected = expected | {"dead in-doubt"}
    if world.scenario.fault_rate or world.scenario.disk_fault_rate or world.scenario.outage:
        expected = expected | {f"dead {word}" for word in world.passing}
    return expected


def _check_stores(world: World, checker: Checker) -> None:
    stored = {photo for photo, state in world.states.items() if state == "stored"}
    checker.hold("listed" not in world.states.values(), "left over and never taken on")
    checker.hold("annotated" not in world.states.values(), "bought and never published")
    if world.scenario.database:
        records = {
            name.removeprefix("photos/p")
            for name, node in world.database.items()
            if name.startswith("photos/p") and "sha256" in node
        }
        # Of what left the pool before it was listed again, a new journal knows nothing.
        gone = set() if len(world.ours) == len(world.calls) else records - world.states.keys()
        listed = {picture.photo.id for picture in world.pool}
        differ = (stored ^ records) - (gone - listed)
        checker.hold(not differ, f"journal and database differ: {differ}")
        for photo in records:
            checker.agree(photo, world.database[f"photos/p{photo}"])
        return
    filed = {photo for (photo,) in world.disk.look("SELECT photo FROM catalogued")}
    checker.hold(stored == filed, f"journal and catalog differ: {stored ^ filed}")


def check_bill(world: World, checker: Checker) -> None:
    ((certain, possible, still_open),) = world.disk.look(
        # What the last run left open, which died or was stopped, the next one counts as possible when it
        # begins; where there is nothing left to buy none does.
        "SELECT coalesce(sum(certain), 0), "
        "coalesce(sum(CASE state WHEN 'open' THEN units ELSE possible END), 0), "
        "coalesce(sum(state = 'open' AND run NOT IN "
        "(SELECT max(number) FROM runs HAVING ended IS NULL OR reason != 'complete')), 0) FROM "
        "(SELECT certain, possible, units, state, run FROM purchases "
        "UNION ALL SELECT certain, possible, 0, '', run FROM spent)"
    )
    billed = sum(len(call.photos) for call in world.ours if call.charged)
    checker.hold(not still_open, f"{still_open} purchases are open at the end")
    checker.hold(
        certain <= billed <= certain + possible,
        f"{billed} units billed, journal says {certain} to {certain + possible}",
    )
    again = sum(len(call.again) for call in world.calls)
    bound = world.crashed_images + world.doubtful_images + again
    checker.hold(
        world.duplicates <= bound or len(world.ours) < len(world.calls),
        f"{world.duplicates} images bought twice, bound {bound}",
    )
