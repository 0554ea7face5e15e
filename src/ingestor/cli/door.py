"""
Parse, wire, run: which words start what, and how an end becomes an exit code.

    0 complete               1 anything else              2 usage or settings
    3 stopped at a ceiling   4 too many failures          130, 143 interrupted, drained
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Final

import typer
from typer.exceptions import TyperException

from ingestor.cli import flags
from ingestor.cli.visit import Visit, given
from ingestor.errors import Denied, IngestorError, RunStopped, SettingsError

EXIT_OTHER: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 3
EXIT_INTERRUPTED: Final = 130

DESCRIPTION: Final = (
    "Labels the pictures of Flickr groups with Google Cloud Vision, pays for none of them twice, "
    "and makes them searchable.\n\n"
    "See it work first, without any key: [bold]ingestor --sandbox --group zoo --limit 1000[/]\n"
    "What would it cost? [bold]ingestor --group ID_OR_URL --dry-run[/]\n"
    "Stop it whenever you like: the same command again continues, and buys nothing twice."
)
EPILOGUE: Final = (
    "Secrets come from the environment or from files, never from flags: [bold]FLICKR_API_KEY[/], "
    "[bold]GOOGLE_API_KEY[/] or else GOOGLE_APPLICATION_CREDENTIALS or gcloud's own login. "
    "FIREBASE_DATABASE_EMULATOR_HOST sends what is published to an emulator.\n\n"
    "Exit codes: 0 complete, 2 wrong usage or settings, 3 stopped at a ceiling (resumable), 4 more "
    "failures than --max-failures, 130 or 143 interrupted and drained (resumable), 1 anything else."
)

app = typer.Typer(
    name="ingestor",
    help=DESCRIPTION,
    epilog=EPILOGUE,
    rich_markup_mode="rich",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Everything that goes wrong is told here."""
    visit = Visit()
    try:
        code = typer.main.get_command(app).main(
            arguments, prog_name="ingestor", standalone_mode=False, obj=visit
        )
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OTHER
    except BaseException as error:  # noqa: BLE001 - the last one to see it: nobody is above
        return _told(error, visit)
    return code if isinstance(code, int) else 0


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ingestor {metadata.version('ingestor')}")
        raise typer.Exit


@app.callback()
def ingest(
    context: typer.Context,
    *,
    group: flags.Group = None,
    limit: flags.Limit = None,
    dry_run: flags.DryRun = False,
    reannotate: flags.Reannotate = False,
    sandbox: flags.Sandbox = False,
    state: flags.State = None,
    max_labels: flags.MaxLabels = None,
    safe_search: flags.SafeSearch = False,
    images_per_minute: flags.ImagesPerMinute = None,
    requests_per_minute: flags.RequestsPerMinute = None,
    max_in_flight: flags.MaxInFlight = None,
    max_downloads: flags.MaxDownloads = None,
    max_memory: flags.MaxMemory = None,
    engine: flags.Engine = None,
    max_units: flags.MaxUnits = None,
    max_cost: flags.MaxCost = None,
    max_failures: flags.MaxFailures = None,
    in_doubt: flags.InDoubt = None,
    drain: flags.Drain = None,
    report: flags.ReportForm = None,
    log_level: flags.LogLevel = None,
    log_format: flags.LogFormat = None,
    database_url: flags.DatabaseUrl = None,
    flickr_url: flags.FlickrUrl = None,
    image_url: flags.ImageUrl = None,
    vision_url: flags.VisionUrl = None,
    sandbox_fast: flags.SandboxFast = False,
    sandbox_fault: flags.SandboxFault = None,
    version: Annotated[
        bool, typer.Option("--version", help="Say which ingestor this is.", callback=_version)
    ] = False,
) -> int | None:
    visit: Visit = context.obj
    visit.flags = _settings_of(locals())
    if context.invoked_subcommand is not None:
        return None
    from ingestor.cli.ingest import ingest as run

    return run(visit)


def _settings_of(typed: dict[str, object]) -> dict[str, object]:
    """What a function of flags was called with, under the names that the settings use."""
    used = given({name: value for name, value in typed.items() if name not in _NO_SETTINGS})
    if "group" in used:
        groups = used.pop("group")
        used["groups"] = tuple(groups) if isinstance(groups, list) else groups
    return used


_NO_SETTINGS: Final = ("context", "visit", "version")


def _told(error: BaseException, visit: Visit) -> int:
    """Say on stderr what went wrong, in a sentence or two; returns the exit code."""
    cause = first_cause(error)
    code, sentence = verdict(cause)
    if sentence:
        sys.stderr.write(f"ingestor: {visit.redaction.text(sentence)}\n")
    if visit.debug and not isinstance(cause, TyperException):
        sys.stderr.write(visit.redaction.text("".join(traceback.format_exception(error))))
    return code


def first_cause(error: BaseException) -> BaseException:
    """Open groups: the first error of our own inside wins, or else the first one."""
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, IngestorError)), leaves[0])


def _leaves(error: BaseException) -> Sequence[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return (error,)
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]


def verdict(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and what a person is told."""
    match error:
        case TyperException():
            return error.exit_code, _usage(error)
        case SettingsError() | Denied():
            return EXIT_USAGE, str(error)
        case RunStopped():
            return EXIT_STOPPED, str(error)
        case IngestorError():
            return EXIT_OTHER, str(error)
        case KeyboardInterrupt() | typer.Abort():
            return EXIT_INTERRUPTED, "interrupted before anything was bought."
        case SystemExit(code=int(code)):
            return code, ""
        case _:
            return EXIT_OTHER, (
                f"this should not have happened: {type(error).__name__}: {error}. What was paid "
                "for is in the journal. Add --log-level debug for the details a bug report needs."
            )


def _usage(error: TyperException) -> str:
    message = error.format_message().removeprefix("Invalid value for ").replace("'--", "--", 1)
    message = message.replace("':", ":", 1)
    return f"{message.rstrip('.')}. `ingestor --help` lists what there is."
