"""`ingestor dead`: what failed and why, and what shall become of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ingestor.cli.json_lines import write_json
from ingestor.cli.reporting import UNLESS_TWICE, console_on, steps_table, text_of
from ingestor.cli.spelling import count, one_line, state_flag
from ingestor.errors import SettingsError
from ingestor.journal import dead
from ingestor.journal.reader import looking_into
from ingestor.journal.writer import Journal
from ingestor.kits.amounts import counted

if TYPE_CHECKING:
    from ingestor.settings import Settings

MOST_NAMED: Final = 5


def show(settings: Settings, *, reason: str | None, samples: int, as_json: bool) -> int:
    causes = _dead(settings, reason=reason, samples=samples)
    if as_json:
        plain = {"causes": [asdict(cause) for cause in causes]}
        write_json(sys.stdout, plain)
        return 0
    if not causes:
        sys.stdout.write(_none_dead(settings, reason=reason))
        return 0
    drawn = _drawn(causes, state=state_flag(settings.state))
    sys.stdout.write(text_of(drawn, console_on(sys.stdout)))
    return 0


def _none_dead(settings: Settings, *, reason: str | None) -> str:
    """A cause that there is none of is misspelt, as a rule: with the ones that there are."""
    there = _dead(settings) if reason else []
    if not there:
        return "No such photo is dead.\n" if reason else "No photo is dead.\n"
    causes = ", ".join(f"{cause.reason} ({count(cause.photos)})" for cause in there)
    return f"No photo is dead with the cause {reason!r}. There is: {causes}.\n"


def _drawn(causes: Sequence[dead.Cause], *, state: str) -> RenderableType:
    steps = {
        **_second_tries(causes, state=state),
        f"ingestor dead drop --reason {causes[-1].reason}{state}": "gives these up",
    }
    return Group(Text(), *(_cause(cause) for cause in causes), steps_table(steps), Text())


def _second_tries(causes: Sequence[dead.Cause], *, state: str) -> dict[str, str]:
    """Without a word of its cause, what may be paid for already is left alone."""
    causes = [cause for cause in causes if _waiting(cause)]
    doubtful = [cause for cause in causes if _is_doubtful(cause)]
    steps: dict[str, str] = {}
    if len(doubtful) < len(causes):
        steps[f"ingestor dead retry{state}"] = f"tries them again, {UNLESS_TWICE}"
    for cause in doubtful[:1]:
        command = f"ingestor dead retry --reason {cause.reason}{state}"
        steps[command] = f"buys the {count(_waiting(cause))} again, perhaps a second time"
    return steps


def _is_doubtful(cause: dead.Cause) -> bool:
    """What was refused by the store is certainly paid for: it only has to be stored."""
    return cause.stage != "store" and cause.perhaps_paid == cause.photos


def _cause(cause: dead.Cause) -> RenderableType:
    head = Text.assemble(
        (counted(cause.photos, "photo"), "bold red"),
        (f"  {cause.reason}", "bold"),
        (f"  in {cause.stage}", "dim"),
        (f"  {cause.perhaps_paid:,} perhaps paid for" if cause.perhaps_paid else "", "yellow"),
        (f"  {cause.outside:,} of them in no group any more" if cause.outside else "", "dim"),
    )
    return Group(head, Padding(Group(*map(_sample, cause.samples)), (0, 0, 1, 2), expand=False))


def _sample(sample: dead.Sample) -> Text:
    return Text.assemble(
        (sample.photo, "cyan"),
        f"  {one_line(sample.title, most=40) or 'without a title'}",
        (f"  {one_line(sample.detail, most=120)}", "dim"),
    )


def retry(
    settings: Settings, *, reason: str | None, photos: Sequence[str], everything: bool
) -> int:
    revived = _change(
        settings, partial(dead.retry, reason=reason, photos=photos, everything=everything)
    )
    if photos and not revived:
        raise SettingsError(_none_of(photos, "dead and still in a group"))
    left = [] if photos else _dead(settings, reason=reason)
    outside = sum(cause.outside for cause in left)
    doubtful = [] if reason or everything else [cause for cause in left if _waiting(cause)]
    if revived:
        sys.stdout.write(f"{counted(revived, 'photo')} will be tried again by the next run.\n")
        sys.stdout.write(_what_comes_last(settings))
    if doubtful:
        sys.stdout.write(_what_is_left(doubtful, state=state_flag(settings.state)))
    if outside:
        sys.stdout.write(f"Left alone: {_outside(outside)}.\n")
    if not (revived or doubtful or outside):
        sys.stdout.write(_none_dead(settings, reason=reason))
    return 0


def _what_comes_last(settings: Settings) -> str:
    """Who comes to the newest photos alone would wait for these in vain."""
    with looking_into(settings.journal_path) as db:
        photos = dead.count_behind_pages(db)
    if not photos:
        return ""
    wait, them = ("waits", "it") if photos == 1 else ("wait", "them")
    return (
        f"{counted(photos, 'photo')} {wait} for another picture: a run with --limit comes to {them} "
        "last, if at all.\n"
    )


def _none_of(photos: Sequence[str], wanted: str) -> str:
    """Somebody has mistyped them, as a rule."""
    some = ", ".join(photos[:MOST_NAMED])
    return f"None of these is {wanted}: {some}{', …' if len(photos) > MOST_NAMED else ''}."


def _waiting(cause: dead.Cause) -> int:
    """Photos that could be tried again."""
    return cause.photos - cause.outside


def _outside(photos: int) -> str:
    them = "it" if photos == 1 else "them"
    return f"{counted(photos, 'photo')} in no group any more; dead drop gives {them} up"


def _what_is_left(causes: Sequence[dead.Cause], *, state: str) -> str:
    """With the commands that ask for it."""
    photos = counted(sum(map(_waiting, causes)), "photo")
    lines = [
        f"  ingestor dead retry --reason {cause.reason}{state}  {counted(_waiting(cause), 'photo')}\n"
        for cause in causes
    ]
    said = f"Left alone: {photos} that may be paid for already. --all takes them on, too; by cause:"
    return f"{said}\n{''.join(lines)}"


def drop(settings: Settings, *, reason: str | None, photos: Sequence[str], everything: bool) -> int:
    if not (reason or photos or everything):
        raise SettingsError("Which ones? Give photo ids, --reason with a cause, or --all.")
    dropped = _change(settings, partial(dead.drop, reason=reason, photos=photos))
    if photos and not dropped:
        raise SettingsError(_none_of(photos, "dead"))
    said = f"{counted(dropped, 'photo')} given up; they count as skipped.\n"
    sys.stdout.write(said if dropped else _none_dead(settings, reason=reason))
    return 0


def _dead(settings: Settings, *, reason: str | None = None, samples: int = 0) -> list[dead.Cause]:
    with looking_into(settings.journal_path) as db:
        return dead.causes(db, reason=reason, samples=samples)


def _change(settings: Settings, work: Callable[..., int]) -> int:
    # To change nothing is not to create a journal: ask first whether there is one.
    with looking_into(settings.journal_path):
        pass

    async def change() -> int:
        async with Journal(settings.journal_path) as journal:
            return await journal.write(work)

    return asyncio.run(change())
