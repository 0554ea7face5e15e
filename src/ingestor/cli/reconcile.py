"""`ingestor reconcile`: journal and database say the same again."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.text import Text

from ingestor.cli.errand import errand
from ingestor.cli.json_lines import write_json
from ingestor.cli.reporting import console_on, rows_of, text_of
from ingestor.cli.spelling import count
from ingestor.cli.visit import Visit
from ingestor.journal.reader import is_there, looking_into
from ingestor.kits.amounts import counted
from ingestor.kits.lifetime import Stopping
from ingestor.report import Reconciled

if TYPE_CHECKING:
    from ingestor.settings import Settings

EXIT_DIFFERENT: Final = 1


def reconcile(visit: Visit, settings: Settings, *, check: bool, as_json: bool) -> int:
    """Returns 0, or 1 where the two differ and nothing was, or could be, done about it."""
    if check:
        # To change nothing is not to create a journal.
        with looking_into(settings.journal_path):
            pass
    found = asyncio.run(_run(visit, settings, check=check))
    if isinstance(found, int):
        return found
    if as_json:
        write_json(sys.stdout, {**found.as_json(), "agree": found.agree})
    else:
        sys.stdout.write(text_of(drawn(found, check=check), console_on(sys.stdout)))
    return EXIT_DIFFERENT if found.refused or (check and not found.agree) else 0


async def _run(visit: Visit, settings: Settings, *, check: bool) -> Reconciled | int:
    # It draws on everything that a run does; a command that only helps does without.
    from ingestor.engines.reconcile import reconcile as carry_out

    missing = not is_there(settings.journal_path)
    async with errand(visit, settings) as sent:
        try:
            found = await carry_out(
                sent.settings, check=check, lifetime=sent.lifetime, listen=sent.voice.log
            )
        except Stopping:
            return sent.interrupted(otherwise=1)
        if missing:
            sent.voice.say(f"There was no journal in {settings.state}: a new one was made.")
        return found


def drawn(found: Reconciled, *, check: bool) -> RenderableType:
    done = "to be " if check else ""
    rows: dict[str, RenderableType] = {
        "photos": Text(
            f"{count(found.in_journal)} annotated in the journal, {count(found.in_database)} in the "
            "database"
        )
    }
    if not found.agree:
        rows["database"] = Text(
            f"{counted(found.published, 'photo')} {done}published, "
            f"{counted(found.relabelled, 'photo')} {done}corrected"
        )
        rows["journal"] = Text(
            f"{counted(found.adopted, 'photo')} {done}adopted, "
            f"{counted(found.withdrawn, 'photo')} {done}withdrawn"
        )
        rows["groups"] = Text(f"{counted(found.regrouped, 'photo')} {done}corrected")
        rows["index"] = Text(
            f"{count(found.index_written)} entries {done}written, "
            f"{count(found.index_deleted)} {done}deleted"
        )
    if found.refused:
        rows["refused"] = Text(f"{count(found.refused)} by the database", style="bold red")
    return Group(Text(), _headline(found, check=check), rows_of(rows), Text())


def _headline(found: Reconciled, *, check: bool) -> Text:
    if found.agree:
        return Text("journal and database agree", style="bold green")
    if check:
        return Text.assemble(
            ("journal and database differ", "bold yellow"),
            ("   the same command without --check repairs it, and buys nothing", "dim"),
        )
    if found.refused:
        ending = ("repaired, but for what the database refused", "bold yellow")
    else:
        ending = ("repaired", "bold green")
    return Text.assemble(ending, ("   nothing bought", "dim"))
