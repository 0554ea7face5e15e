"""How runs are doing: the beat of the one at work, the journal's figures, the history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from ingestor.engines import pulse
from ingestor.errors import SettingsError
from ingestor.journal import dead
from ingestor.journal.counts import Counted, count_run
from ingestor.journal.doubts import Doubts, doubts_of
from ingestor.journal.facts import fact
from ingestor.journal.reader import looking_into
from ingestor.journal.runs import last_number, number_of
from ingestor.journal.standing import Standing, standing
from ingestor.kits import amounts
from ingestor.purchases import pricing
from ingestor.web.beat import Beat, read_beat
from ingestor.web.chart import STAGES
from ingestor.web.discreet import discreet
from ingestor.web.house import House, let_go
from ingestor.web.lazy import NothingYet
from ingestor.web.pulse import Following, plain_following, read_following

MOST_RUNS: Final = 20
"""In the history; the journal has some more of them (taste)."""
SAMPLES: Final = 3
"""Of each cause of failures (taste)."""
FREE_OF_TROUBLE: Final = 0.05
"""The share of failed photos, of those that are through, up to which a run looks well (taste)."""
STANDSTILL: Final = 60.0
"""Seconds. A quota has something to do in every minute; an upstream is waited for for two (taste)."""
NO_RUN: Final = 0
"""They are counted from 1."""
STATES: Final = {
    "stored": "can be found",
    "listed": "to be labelled",
    "annotated": "labelled, to be stored",
    "skipped": "videos and the like, or dropped",
    "dead": "failed",
    "withdrawn": "left every group, taken down",
}
"""What the journal calls a photo, and what that means to whoever looks."""
LIVE: Final = (
    *("run", "started", "at", "ended", "stopping", "expected", "counts", "points", "queues"),
    *("memory", "downloads", "calls", "quota", "binding", "advice"),
)
"""Of what a run says of itself, what is passed on as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    units: int
    possible: int
    dollars: float
    forecast_units: int | None
    """When all photos that are known of are done; None where that cannot be told."""
    forecast_dollars: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    beat: Beat | None
    """Of the run that lives, else of the last one."""
    counted: Counted | None
    """The journal's figures of the same run."""
    money: Money | None
    causes: Sequence[dead.Cause]
    standing: Standing
    ours: Doubts
    """Of the same run."""
    everywhere: Doubts
    """Of all runs."""
    following: Following | None
    """The worker that follows groups here, or did last."""
    invented: bool
    """Whether the photos are the sandbox's, so that Flickr has no pages of them."""
    now: float

    @property
    def verdict(self) -> tuple[str, str]:
        """Whether all is well, in one word and one sentence."""
        if self.beat is None or not self.beat.alive:
            working = self.following and not self.following.ended
            return self.following.verdict if self.following and working else _idle(self)
        told, counts = self.beat.told, self.beat.told["counts"]
        if told["stopping"]:
            return "stopping", f"The run is stopping: {told['stopping']}."
        if counts["failed"] > FREE_OF_TROUBLE * (counts["stored"] + counts["failed"]):
            most = f"; most often: {self.causes[0].reason}" if self.causes else ""
            share = counts["failed"] / (counts["stored"] + counts["failed"])
            return "trouble", f"{counts['failed']:,} photos failed so far ({share:.0%}){most}."
        if self.following and self.following.alive and self.following.awaited:
            return "doubt", f"Running, but waiting for {self.following.awaited}."
        if self.beat.still > STANDSTILL:
            still = amounts.roughly(self.beat.still)
            return "doubt", f"Running, but nothing has moved for {still}."
        if lost := self.ours.images:
            images = f"{amounts.counted(lost, 'image')} {'was' if lost == 1 else 'were'}"
            return "doubt", f"Running; {images} paid for, perhaps, and lost."
        if counts["failed"]:
            return "fine", f"Running well; {counts['failed']:,} photos failed so far."
        return "fine", "Running, and all is well."


async def runs_of(house: House) -> Board:
    """Raises NothingYet without a journal, JournalError where it cannot be read."""
    await let_go(house)
    return await asyncio.to_thread(_read, house, time.time())


def _read(house: House, now: float) -> Board:
    beat = read_beat(house.live, now=now)
    month = pricing.month_start(now)
    try:
        with looking_into(house.journal) as db:
            number = number_of(db, beat.told["run"]) if beat else None
            living = number if beat and beat.alive else None
            if living is None and number != (last := last_number(db)):
                # The last one ended before its first beat: this is an older one's word.
                beat, number = None, last
            counted = count_run(db, run=number, now=now) if number is not None else None
            stands = standing(db, now=now, month_start=month, most_runs=MOST_RUNS)
            if house.strangers:
                stands = replace(stands, runs=discreet(stands.runs))
            names = {gid: name for gid, name, _ in stands.groups}
            return Board(
                beat=beat,
                counted=counted,
                money=_money(beat, counted),
                causes=dead.causes(db, samples=SAMPLES),
                standing=stands,
                ours=doubts_of(db, living=living, run=number or NO_RUN),
                everywhere=doubts_of(db, living=living),
                following=_following(house, now=now, names=names),
                invented=fact(db, "world") == "sandbox",
                now=now,
            )
    except SettingsError as error:
        raise NothingYet(str(error)) from None


def _following(house: House, *, now: float, names: Mapping[str, str]) -> Following | None:
    path = house.live.with_name(pulse.FILE)
    return read_following(path, now=now, names=names, strangers=house.strangers)


def plain_runs(board: Board) -> dict[str, Any]:
    word, sentence = board.verdict
    beat = board.beat
    return {
        "verdict": word,
        "sentence": sentence,
        "live": None
        if beat is None
        else {
            **{name: beat.told[name] for name in LIVE},
            "alive": beat.alive,
            "age": round(beat.age, 1),
        },
        "money": None if board.money is None else asdict(board.money),
        "in_doubt": board.everywhere.images,
        "failures": [
            {
                "stage": cause.stage,
                "reason": cause.reason,
                "photos": cause.photos,
                "samples": [sample.photo for sample in cause.samples],
            }
            for cause in board.causes
        ],
        "photos": {state: board.standing.photos.get(state, 0) for state in STATES},
        "worker": None if board.following is None else plain_following(board.following),
        "history": list(board.standing.runs),
    }


def _money(beat: Beat | None, counted: Counted | None) -> Money | None:
    if counted is None:
        return None
    units = counted.units.at_most
    left, speed = _ahead(beat) if beat and beat.alive else (None, 0.0)
    # What was sent is among the units, and among the photos that have no annotation yet.
    more = None if left is None else max(0, left - counted.units.reserved)
    return Money(
        units=units,
        possible=counted.units.possible,
        dollars=pricing.bill(counted.months),
        forecast_units=None if more is None else units + more,
        forecast_dollars=None if more is None else pricing.bill(counted.months, more=more),
        seconds_left=left / speed if left and speed else None,
    )


def _ahead(beat: Beat) -> tuple[int | None, float]:
    """Photos that a run will still annotate, and how many a second."""
    speed = beat.chart.lines[STAGES.index("annotated")].last if beat.chart else 0.0
    expected, counts = beat.told["expected"], beat.told["counts"]
    if not isinstance(expected, int):
        return None, speed
    return max(0, expected - counts["idle"] - counts["failed"] - counts["annotated"]), speed


def _idle(board: Board) -> tuple[str, str]:
    newest = next(iter(board.standing.runs), None)
    if newest is None:
        return "idle", "No run yet."
    if newest["ended"] is None:
        return "died", "The last run stopped without a word; the same command continues it."
    if newest["reason"] == "complete":
        return "idle", "Nothing is running. The last run is complete."
    if newest["reason"] == "too-many-failures":
        return (
            "trouble",
            "Nothing is running. The last run is complete, but too many photos failed.",
        )
    return "idle", f"Nothing is running. The last run ended early: {newest['reason']}."
