"""
What must hold, looked at whenever it could break: after every commit, before every paid call.

The checkers read the vendor's side and the journal's tables themselves; nothing of the code they
judge is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Final
from urllib.parse import unquote

import orjson

from ingestor.kits.lifetime import Lifetime
from ingestor.models import Image
from ingestor.records.updates import index_path
from tests.simulation.loop import Loop
from tests.simulation.world import Call, World, equal_labels

STEPS: Final = {
    "listed": {"listed", "skipped", "dead", "annotated"},
    "annotated": {"annotated", "stored", "dead"},
    "stored": {"stored"},
    "dead": {"dead"},
    "skipped": {"skipped"},
}
"""Where a photo may go from where it is."""
WEATHER: Final = {"dns", "connect", "reset", "timeout", "unavailable", "throttled"}
"""What a picture's failure is called that may be nobody's fault but the image server's."""
OF_ITS_OWN: Final = 6
"""Failures of a picture between which others are served: it is given up then."""
LONGEST_WAIT: Final = 30.0
"""Seconds between two attempts; who would have to wait beyond the end of patience is given up before."""
TWO_STEPS: Final = {("listed", "stored"), ("dead", "stored")}
"""In one commit, where the database has what is waited for, or was given up in doubt."""
EXPLAINED: Final = {"free", "lost", "cut", "crashed"}
"""Ends of a paid call after which its images may be bought again."""
MOST_UPDATES: Final = 6
"""The store's four writers, one membership, one report."""

MOST_READS: Final = 18
"""Sixteen records to be adopted, a lease."""

NO_KEY: Final = re.compile(r"[.$#\[\]\x00-\x1f\x7f]")
"""What the database's keys must not hold: https://firebase.google.com/docs/database/rest/structure-data"""

MOST_ATTEMPTS: Final = 4
"""Purchases of one image because of errors of its own."""
MOST_UNAVAILABLE: Final = 5
"""One request that Google answers with 503: four times, then it is in doubt, and once more."""

LONGEST_CALL: Final = 600.0
"""Seconds after which a paid call is over, whoever waits for it."""

MINUTE: Final = 60.0
REACTION: Final = 0.5
"""Seconds in which a call may still leave whose permit was given before a refusal came."""


class Checker:
    """One life's eyes; what it remembers from one life to the next is in the world."""

    def __init__(self, world: World, loop: Loop) -> None:
        self.world = world
        self.loop = loop
        self.lifetime: Lifetime | None = None
        self.may_cut_at = float("inf")
        """When a paid call may be given up at the earliest."""
        self.refused_at = self.not_before = float("-inf")
        self.woken_at = float("-inf")
        """When the process went on that had been frozen."""
        self.repeated: set[str] = set()
        """Images bought again in this life although the first purchase is in doubt."""
        self._settled = 0
        """Purchases, after the last commit."""
        self._served_since = float("-inf")
        """When the latest attempt at a picture began that brought it."""
        self._served_at = float("-inf")
        self._refused_at: dict[str, float] = {}
        self._first_refused: dict[str, float] = {}
        self._its_own = Counter[str]()
        """Attempts at each picture that failed after others, begun since the one before, did not."""
        self.most_flying = {
            "flickr": 1,
            "images": world.scenario.max_downloads,
            "vision": world.scenario.max_in_flight or 64,
            "updates": MOST_UPDATES,
            "reads": MOST_READS,
        }

    def hold(self, truth: object, sentence: str) -> None:
        if not truth:
            self.loop.violate(sentence)

    # Limits

    def in_flight(self, upstream: str, number: int) -> None:
        self.hold(number <= self.most_flying[upstream], f"{number} requests to {upstream} at once")

    def admitted(self, lacking: object) -> None:
        # A clock that jumps while nobody lives hides how long that was, and what another machine
        # has used of the vendor's minute shows by refusals only.
        world = self.world
        blind = (world.scenario.jumps and world.life > 1) or len(world.ours) < len(world.calls)
        # What was on its way when the process fell asleep arrives here when it wakes up.
        blind = blind or self.loop.now - self.woken_at < MINUTE
        self.hold(lacking is None or blind, f"over the vendor's quota: {lacking}")

    # Pictures

    def picture_served(self, begun: float) -> None:
        self._served_since = max(self._served_since, begun)
        self._served_at = self.loop.now

    def picture_refused(self, photo: str) -> None:
        self._its_own[photo] += self._served_since > self._refused_at.get(photo, float("-inf"))
        self._refused_at[photo] = self.loop.now
        self._first_refused.setdefault(photo, self.loop.now)

    def _given_up(self, photo: str, reason: str) -> None:
        """Where nobody is served, a photo's failures say nothing about it, but in the end that it is alone."""
        if photo not in self._first_refused:
            return  # over real connections nobody counts a picture's attempts
        if self._first_refused[photo] < self.woken_at:
            return  # all patience may be over in one sleep
        quiet = self.loop.now - max(self._first_refused[photo], self._served_at)
        if reason in WEATHER and quiet <= self.world.scenario.patience - LONGEST_WAIT:
            own = self._its_own[photo]
            self.hold(own >= OF_ITS_OWN, f"{photo} is given up after {own} tries of its own")

    # Money

    def before_paying(self, call: Call, images: Sequence[Image]) -> None:
        """Last thing before the vendor sees the request."""
        scenario, disk = self.world.scenario, self.world.disk
        stopping = self.lifetime is not None and self.lifetime.stopping
        self.hold(not stopping, "a paid call begins after the stop")
        self.hold(not disk.failed, "a paid call begins although the disk has failed")
        self.hold(0 < len(images) <= scenario.most_images, f"a paid call of {len(images)} images")
        self.hold(len(set(call.contents)) == len(images), "the same picture twice in one paid call")
        for image in images:
            self._before_paying_for(image)
        for before in self.world.calls:
            ours = before.machine == self.world.machine
            (self._not_again if ours else self._not_from_elsewhere)(call, before)
        if scenario.database:
            self._leased()
        self._intended(call)
        self._affordable(call)
        self._within_allowance(call)
        self._within_attempts(call)
        waited = not self.refused_at + REACTION < self.loop.now < self.not_before
        self.hold(waited, f"a paid call before {self.not_before:.1f}, when it may come again")

    def refused(self, wait: float | None) -> None:
        """The vendor said when to come again."""
        if wait is not None and self.loop.now + wait > self.not_before:
            self.refused_at, self.not_before = self.loop.now, self.loop.now + wait

    def given_up(self) -> None:
        """A paid call is cancelled: only the end of the grace period may do that."""
        lifetime = self.lifetime
        self.hold(
            lifetime is not None and lifetime.cut_short and self.loop.now >= self.may_cut_at,
            "V20: a paid call is given up although its answer could be awaited",
        )

    def _within_allowance(self, call: Call) -> None:
        scenario, ours = self.world.scenario, self._of_this_run()
        doubted = Counter(photo for other in ours if other.doubtful for photo in other.photos)
        again = {photo for photo in call.photos if doubted[photo]}
        self.hold(
            all(doubted[photo] < 2 for photo in again), f"{again} for the third time in doubt"
        )
        self.repeated |= again
        share = 0.0 if scenario.in_doubt == "park" else scenario.doubt_share
        bought = sum(len(other.photos) for other in ours if other.outcome == "answered")
        allowed = (scenario.most_images if share else 0) + share * bought
        self.hold(
            len(self.repeated) <= allowed or not again,
            f"{len(self.repeated)} images bought again in doubt, {allowed:.1f} allowed",
        )

    def _within_attempts(self, call: Call) -> None:
        ours = self._of_this_run()
        for photo in call.photos:
            passing = sum(photo in other.again for other in ours)
            self.hold(passing < MOST_ATTEMPTS, f"{photo} after {passing} errors of its own")
        same = (other for other in reversed(ours) if other.photos == call.photos)
        times = len(list(takewhile(lambda other: other.unavailable, same)))
        self.hold(times < MOST_UNAVAILABLE, f"again after {times} times 503: {call.photos}")

    def _of_this_run(self) -> list[Call]:
        return [other for other in self.world.ours if other.life == self.world.life]

    def _before_paying_for(self, image: Image) -> None:
        photo, disk = image.photo.id, self.world.disk
        picture = self.world.picture_of(photo, image.sha256)
        self.hold(image.content == picture.content, f"{photo} with another picture's bytes")
        self.hold(image.content.endswith(b"\xff\xd9"), f"{photo} is a broken picture")
        self.hold(picture.trouble not in ("video", "gone", "no-url"), f"{photo} is no picture")
        states = disk.look("SELECT state FROM photos WHERE id = ?", (photo,))
        self.hold(states == [("listed",)], f"{photo} is bought although {states}")
        known = disk.look(
            # What is adopted while a twin of it is on its way to be bought comes too late for that.
            "SELECT photo FROM annotations WHERE sha256 = ? AND features = ? "
            "AND purchase != 'elsewhere'",
            (bytes.fromhex(image.sha256), self.world.features.key),
        )
        self.hold(not known, f"{photo} is bought although its bytes are known from {known}")

    def _not_again(self, call: Call, before: Call) -> None:
        """Whatever was bought before may be bought again for a reason only."""
        if before is call or not set(call.contents) & set(before.contents):
            return
        for photo, content in zip(before.photos, before.contents, strict=True):
            if content not in call.contents:
                continue
            said = f"{photo} again, after call {before.number} which ended {before.outcome}"
            self.hold(before.outcome != "in-flight", f"{said}")
            asked = before.number < self.world.asked.get(photo, 0)
            why = before.outcome in EXPLAINED or photo in before.again or asked
            self.hold(why, f"{said}")
            if self.world.scenario.in_doubt == "park" and before.charged and not asked:
                # A twin is another photo: of its own it was never in doubt.
                self.hold(photo not in call.photos, f"{said}, although nothing may be bought twice")

    def _not_from_elsewhere(self, call: Call, before: Call) -> None:
        """Nobody else is paying, and what the database had when we took the lease is known to us."""
        world = self.world
        flying = before.outcome == "in-flight" and world.now - before.at < LONGEST_CALL
        self.hold(not flying, f"two machines pay at once: call {before.number}")
        for photo in set(call.photos) & set(before.photos):
            since = world.published.get(photo, float("inf"))
            self.hold(
                since > world.leased.at, f"{photo} is bought, in the database since {since:.1f}"
            )

    def _leased(self) -> None:
        """The lease is ours, and lasts until the longest call that may begin now is over."""
        world, lease = self.world, self.world.lease
        ours = lease and (world.leased.life, world.leased.owner) == (world.life, lease["owner"])
        self.hold(ours, f"a paid call, and the lease is {lease}")
        assert lease is not None
        left = lease["until"] - world.wall
        lasts = left > LONGEST_CALL or world.scenario.jumps
        self.hold(lasts, f"a paid call, and {left:.0f} s are left of the lease")

    def _intended(self, call: Call) -> None:
        rows = self.world.disk.look(
            "SELECT purchase, json_group_array(photo) FROM purchased_images "
            "WHERE purchase IN (SELECT id FROM purchases WHERE state = 'open') GROUP BY purchase"
        )
        taken = {other.purchase for other in self.world.ours if other.outcome == "in-flight"}
        fitting = [
            purchase
            for purchase, photos in rows
            if sorted(orjson.loads(photos)) == sorted(call.photos) and purchase not in taken
        ]
        self.hold(fitting, "a paid call without an intent")
        call.purchase = fitting[0]

    def _affordable(self, call: Call) -> None:
        ceiling = self.world.ceiling
        if ceiling is None:
            return
        spent = sum(
            len(other.photos)
            for other in self.world.ours
            if other.life >= self.world.first_life
            and (other.charged or other.outcome == "in-flight")
        )
        self.hold(
            spent + len(call.photos) <= ceiling,
            f"{spent} units spent and {len(call.photos)} asked for, of {ceiling}",
        )

    # Journal

    def committed(self) -> None:
        """After every commit that changed something."""
        world, disk = self.world, self.world.disk
        before, states = world.states, dict(disk.look("SELECT id, state FROM photos"))
        if states != before:
            self.hold(states.keys() >= before.keys(), "photos vanished from the journal")
            for photo, state in states.items():
                if before.get(photo) != state:
                    self._stepped(photo, before.get(photo), state)
            world.states = states
        ((settled,),) = disk.look("SELECT count(*) FROM purchases WHERE state = 'settled'")
        if settled != self._settled:
            self._settled = settled
            self._look_at_settled()

    def _stepped(self, photo: str, before: str | None, state: str) -> None:
        self.hold(state in STEPS, f"{photo} is {state}")
        self.hold(
            before is None or state in STEPS[before] or (before, state) in TWO_STEPS,
            f"{photo} went from {before} to {state}",
        )
        if state == "stored" and self.world.scenario.database:
            there = f"photos/p{photo}" in self.world.database
            self.hold(there, f"{photo} is not in the database")
        if state == "dead":
            letters = self.world.disk.look("SELECT * FROM dead WHERE photo = ?", (photo,))
            whole = letters and None not in letters[0] and "" not in letters[0][1:3]
            self.hold(whole, f"{photo} is dead, and its letter is {letters}")
            if letters and letters[0][1] == "download":
                self._given_up(photo, letters[0][2])

    def _look_at_settled(self) -> None:
        for call in self.world.ours:
            if not call.settled and call.purchase and self._state(call) == "settled":
                self.hold(call.outcome == "answered", f"call {call.number} is settled unanswered")
                call.settled = True

    def _state(self, call: Call) -> str | None:
        rows = self.world.disk.look("SELECT state FROM purchases WHERE id = ?", (call.purchase,))
        return rows[0][0] if rows else None

    # Database

    def updated(self, paths: Mapping[str, Any]) -> None:
        """After every update that took effect."""
        for path in paths:
            self.hold(not NO_KEY.search(path), f"no path of the database: {path}")
        for photo in {path.split("/")[1][1:] for path in paths if path.startswith("photos/")}:
            node = self.world.database[f"photos/p{photo}"]
            if "sha256" not in node:
                self.hold(all(key.startswith("groups/") for key in node), f"half of {photo}")
                continue
            self.agree(photo, node)
            self.world.published.setdefault(photo, self.world.now)
            if f"photos/p{photo}/sha256" not in paths:
                continue
            known = self.world.disk.look("SELECT 1 FROM annotations WHERE photo = ?", (photo,))
            self.hold(known or self.world.disk.failed, f"{photo} is published before it is durable")

    def agree(self, photo: str, node: Mapping[str, Any]) -> None:
        """The record says what Vision says of the bytes, and the index says what the record says."""
        content = self.world.picture_of(photo, node["sha256"]).content
        labels = node.get("labels", {})
        rows = sorted(((x["name"], x["score"]) for x in labels.values()), key=lambda row: -row[1])
        right = equal_labels(rows, content, features=node["features"])
        self.hold(right, f"{photo} is stored as {rows}")
        for key, label in labels.items():
            name, score = label["name"], label["score"]
            legal = not NO_KEY.search(key) and unquote(key) == name.casefold()
            self.hold(legal, f"the key of {name} is {key}")
            place = index_path(key, score, photo_id=photo).rpartition("/")[2]
            entry = self.world.database.get(f"index/{key}", {})
            self.hold(place in entry, f"{photo} is not in the index under {name}")

    # Ends

    def life_ended(self, *, killed: bool) -> None:
        """However a process ended: what it was paying for, and what the journal knows of that."""
        disk = self.world.disk
        # Of the disk itself: what a failing commit left there nobody was told.
        if disk.has_tables:
            silent = disk.look(
                "SELECT id FROM photos WHERE state = 'dead' AND id NOT IN (SELECT photo FROM dead)"
            )
            self.hold(not silent, f"nothing says why {silent} are dead")
        for call in self.world.ours:
            state = self._state(call)
            if state is None:
                # Summed up, which nothing is that may be in doubt; the bill is checked at the end.
                over = call.settled or call.outcome == "free"
                self.hold(over, f"call {call.number} left nothing in the journal")
                continue
            if call.settled:
                self.hold(state == "settled", f"a result that was durable vanished: {call}")
            if call.life != self.world.life:
                continue
            unfinished = call.outcome in ("in-flight", "cut") or state == "open"
            if not unfinished or call.outcome == "free":
                continue
            if call.outcome == "answered" and not killed:
                self.hold(disk.failed, f"call {call.number} was answered and not settled")
            if call.outcome != "lost" and call.charged:
                self.world.crashed_images += len(call.photos)
            call.outcome = "cut" if call.outcome == "cut" else "crashed"
