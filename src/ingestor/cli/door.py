"""
Run one command, and turn however it ended into an exit code and a sentence.

    0 complete               1 anything else       2 usage or settings
    3 stopped at a ceiling   4 too many failures   129, 130, 143 interrupted, drained
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Sequence
from typing import Final

import typer
from typer.exceptions import TyperException

from ingestor.cli.commands import app
from ingestor.cli.hooks import redact_hooks
from ingestor.cli.spelling import one_sentence
from ingestor.cli.streams import OutputLost, abandon_stdout, settle_streams
from ingestor.cli.visit import Visit
from ingestor.errors import IngestorError, first_error_in
from ingestor.exits import COMPLETE, OTHER, exit_code_of
from ingestor.kits.lifetime import SIGNAL_EXITS

BAD_VALUE: Final = re.compile(r"^Invalid value for '(.+?)':")
A_LETTER: Final = re.compile(r"^No such option: -[^-]$")
A_GROUP: Final = re.compile(r"^No such command '([^']*(?:@N\d\d|flickr\.com/groups/)[^']*)'")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Everything that goes wrong is told here."""
    settle_streams()
    visit = Visit()
    redact_hooks(visit.redaction, sys.stderr)
    try:
        code = _carried_out(sys.argv[1:] if arguments is None else arguments, visit)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough.
        abandon_stdout()
        return OTHER
    except BaseException as error:  # noqa: BLE001 - the last one to see it: nobody is above
        if isinstance(first_error_in(error), OutputLost):
            abandon_stdout()
        return _told(error, visit)
    return code if isinstance(code, int) else COMPLETE


def _carried_out(arguments: Sequence[str], visit: Visit) -> object:
    """Not by typer's own `main`: of an interruption it makes an exit code that nobody explains."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("ingestor", list(arguments), obj=visit) as context:
            return command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code


def _told(error: BaseException, visit: Visit) -> int:
    """Say on stderr what went wrong, in a sentence or two; returns the exit code."""
    cause = first_error_in(error)
    code, sentence = verdict(cause)
    if sentence:
        sys.stderr.write(f"ingestor: {one_sentence(visit.redaction.text(sentence))}\n")
    if visit.debug and not isinstance(cause, TyperException):
        sys.stderr.write(visit.redaction.text("".join(traceback.format_exception(error))))
    return code


def verdict(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and what a person is told."""
    match error:
        case TyperException():
            return error.exit_code, _usage(error)
        case IngestorError():
            return exit_code_of(error), str(error)
        case KeyboardInterrupt() | typer.Abort():
            return SIGNAL_EXITS["SIGINT"], "interrupted. What was paid for is in the journal."
        case SystemExit(code=int(code)):
            return code, ""
        case _:
            return OTHER, (
                f"this should not have happened: {type(error).__name__}: {error}. What was paid "
                "for is in the journal. Add --log-level debug for the details a bug report needs."
            )


def _usage(error: TyperException) -> str:
    message = error.format_message().rstrip(" .").replace("Value error, ", "")
    said = BAD_VALUE.sub(r"\1:", message) or "A command is missing"
    if group := A_GROUP.match(message):
        said = f"A group stands behind its flag: --group {group[1]}"
    where = getattr(error, "ctx", None)
    command = where.command_path if where else "ingestor"
    if command == "ingestor search" and A_LETTER.match(message):
        # Of `dog -snow`, which the page's box reads, the parser complains about -s.
        said = f"{said}. What is to be left out stands behind `not`: dog not snow"
    end = "" if said.endswith("?") else "."
    return f"{said}{end} `{command} --help` lists what there is."
