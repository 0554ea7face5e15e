"""`ingestor status`: what the journal holds."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ingestor.cli.json_lines import write_json
from ingestor.cli.reporting import console_on, rows_of, steps_table, text_of
from ingestor.cli.spelling import count, one_line, state_flag
from ingestor.journal.lock import is_taken
from ingestor.journal.reader import looking_into
from ingestor.journal.standing import Standing, standing
from ingestor.kits.amounts import counted, moment, money
from ingestor.purchases import pricing
from ingestor.purchases.pricing import cost, month_start

if TYPE_CHECKING:
    from ingestor.settings import Settings

MOST_RUNS: Final = 5
MOST_OF_A_NAME: Final = 60
LONGEST_WORD_OF_A_MOMENT: Final = len("2026-12-31")

STATES: Final = {
    "stored": "annotated, stored and searchable",
    "annotated": "paid for, not stored yet: the next run stores them first",
    "listed": "pending: the next run takes them on first",
    "skipped": "videos and the like, or dropped",
    "dead": "failed; tried again when somebody says so",
    "withdrawn": "left every group, and taken down; never bought again",
}


def status(settings: Settings, *, as_json: bool) -> int:
    now = time.time()
    with looking_into(settings.journal_path) as db:
        # Asked first: who begins after that has nothing open yet.
        at_work = is_taken(settings.state)
        found = standing(
            db, now=now, month_start=month_start(now), most_runs=MOST_RUNS, at_work=at_work
        )
    if as_json:
        told = plain(found, settings, at_work=at_work)
        write_json(sys.stdout, told)
    else:
        told_to_people = drawn(found, settings, at_work=at_work)
        sys.stdout.write(text_of(told_to_people, console_on(sys.stdout)))
    return 0


def plain(found: Standing, settings: Settings, *, at_work: bool) -> dict[str, Any]:
    return {
        "journal": str(settings.journal_path),
        "at_work": at_work,
        "photos": {state: found.photos.get(state, 0) for state in STATES},
        "dead_but_found": found.dead_but_found,
        "units": {
            "certain": found.certain,
            "possible": found.possible + found.reserved,
            "this_month": found.month_units,
            "free_left": free_left(found),
        },
        "cost_usd_this_month": cost(found.month_units),
        "in_doubt": {
            "purchases": found.doubtful_purchases,
            "images": found.in_doubt,
            "labelled_since": found.labelled_since,
        },
        "groups": [{"id": gid, "name": name, "total": total} for gid, name, total in found.groups],
        "runs": [{k: v for k, v in run.items() if k != "report"} for run in found.runs],
    }


def free_left(found: Standing) -> int:
    """Of this month's free units, as far as this journal knows; others may have used some, too."""
    return max(0, pricing.FREE_UNITS_PER_MONTH - found.month_units)


def drawn(found: Standing, settings: Settings, *, at_work: bool) -> RenderableType:
    possible = found.possible + found.reserved
    rows: dict[str, RenderableType] = {
        "journal": Text(str(settings.journal_path)),
        "groups": Text(_groups(found) or "none yet"),
        "photos": _states(found),
        "units": Text.assemble(
            (count(found.certain), "bold"), f" certain, {count(possible)} possible, in all"
        ),
        "month": Text(
            f"{counted(found.month_units, 'unit')}, {money(cost(found.month_units))}; "
            f"{count(free_left(found))} of the free ones left, as far as this journal knows"
        ),
    }
    if found.in_doubt:
        rows["in doubt"] = _in_doubt(found)
    if found.runs:
        rows["runs"] = _runs(found, at_work=at_work)
    rows["next"] = steps_table(_next(found, state=state_flag(settings.state), at_work=at_work))
    return Group(Text(), rows_of(rows), Text())


def _groups(found: Standing) -> str:
    """Whoever made a group has named it: it must not move the cursor."""
    return ", ".join(
        f"{one_line(name, most=MOST_OF_A_NAME)} ({gid})" for gid, name, _ in found.groups
    )


def _in_doubt(found: Standing) -> Text:
    left = found.in_doubt - found.labelled_since
    if not left:
        lost = counted(found.in_doubt, "image")
        return Text(f"none: {lost} whose answer never arrived, labelled since", style="dim")
    since = (
        f"; {count(found.labelled_since)} of them labelled since" if found.labelled_since else ""
    )
    return Text(
        f"{counted(found.in_doubt, 'image')} in {counted(found.doubtful_purchases, 'request')} "
        f"whose answer never arrived{since}",
        style="yellow",
    )


def _states(found: Standing) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    table.add_column(style="dim")
    for state, meaning in STATES.items():
        if photos := found.photos.get(state, 0):
            table.add_row(count(photos), state, meaning + _beside(found, state))
    return table if table.row_count else Text("none yet")


def _beside(found: Standing, state: str) -> str:
    if state == "dead" and found.dead_but_found:
        return f"; {count(found.dead_but_found)} of them still found by earlier labels"
    return ""


def _runs(found: Standing, *, at_work: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=LONGEST_WORD_OF_A_MOMENT)
    table.add_column(overflow="fold")
    # Whoever works there began last.
    endings = [_ending(run, running=at_work and not place) for place, run in enumerate(found.runs)]
    longest = max(map(len, endings), default=0)
    for run, ending in zip(found.runs, endings, strict=True):
        # In one column: with little room each of two would get too little.
        ending.pad_right(longest - len(ending))
        ending.append(f"  {_brought(run)}", style="dim")
        table.add_row(moment(cast("float", run["started"])), ending)
    return table


def _ending(run: Mapping[str, object], *, running: bool) -> Text:
    if run["ended"] is None:
        return Text("running", style="green") if running else Text("died", style="yellow")
    complete = run["reason"] == "complete"
    return Text(str(run["reason"]), style="green" if complete else "yellow")


def _brought(run: Mapping[str, object]) -> str:
    report = run["report"]
    if not isinstance(report, Mapping):
        return ""
    units = report.get("units", {}).get("certain", 0)
    return f"{counted(report.get('stored', 0), 'photo')} stored, {counted(units, 'unit')}"


def _next(found: Standing, *, state: str, at_work: bool) -> dict[str, str]:
    steps: dict[str, str] = {}
    if found.photos.get("listed") and not at_work:
        steps["the last run's command again"] = "goes on with what is pending"
    if found.photos.get("dead"):
        steps[f"ingestor dead list{state}"] = "shows what failed, with examples"
    if found.photos.get("stored"):
        steps[f"ingestor search dog{state}"] = "finds the best pictures of anything"
    return steps or {"ingestor --help": "shows how to begin"}
