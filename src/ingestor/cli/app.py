"""The words of the command line: without a subcommand it ingests."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated, Final

import typer

from ingestor.cli.flags import bounds, ways, what
from ingestor.cli.flags.plain import PlainGroup
from ingestor.cli.visit import Visit, settings_of

DESCRIPTION: Final = (
    "Labels the pictures of Flickr groups with Google Cloud Vision, pays for none of them twice, "
    "and makes them searchable.\n\n"
    "See it work first, without any key: [bold]ingestor --sandbox --group zoo --limit 1000[/]\n"
    "What would it cost? [bold]ingestor --group ID_OR_URL --dry-run[/]\n"
    "Stop it whenever you like: the same command again continues, and buys nothing twice but what "
    "was in doubt, with --in-doubt park not even that."
)
EPILOGUE: Final = (
    "Secrets come from the environment or from files, never from flags: [bold]FLICKR_API_KEY[/], "
    "[bold]GOOGLE_API_KEY[/] or else GOOGLE_APPLICATION_CREDENTIALS or gcloud's own login, which "
    "a database needs in any case. "
    "FIREBASE_DATABASE_EMULATOR_HOST sends what is published to an emulator.\n\n"
    "Exit codes: 0 complete, 2 wrong usage or settings, 3 stopped at a ceiling or by an upstream (resumable), 4 more "
    "failures than --max-failures, 129, 130 or 143 interrupted and drained (resumable), 1 anything "
    "else."
)

app = typer.Typer(
    name="ingestor",
    cls=PlainGroup,
    help=DESCRIPTION,
    epilog=EPILOGUE,
    rich_markup_mode="rich",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            version = metadata.version("ingestor")
        except metadata.PackageNotFoundError:
            version = "(run from its sources, not installed)"
        typer.echo(f"ingestor {version}")
        raise typer.Exit


@app.callback()
def ingest(
    context: typer.Context,
    *,
    group: what.Group = None,
    limit: what.Limit = None,
    dry_run: what.DryRun = False,
    reannotate: what.Reannotate = False,
    sandbox: what.Sandbox = False,
    state: what.State = None,
    wait: what.Wait = False,
    max_labels: what.MaxLabels = None,
    safe_search: what.SafeSearch = False,
    images_per_minute: bounds.ImagesPerMinute = None,
    requests_per_minute: bounds.RequestsPerMinute = None,
    flickr_calls_per_hour: bounds.FlickrCallsPerHour = None,
    max_in_flight: bounds.MaxInFlight = None,
    max_downloads: bounds.MaxDownloads = None,
    max_memory: bounds.MaxMemory = None,
    engine: bounds.Engine = None,
    max_units: bounds.MaxUnits = None,
    max_cost: bounds.MaxCost = None,
    max_failures: bounds.MaxFailures = None,
    in_doubt: bounds.InDoubt = None,
    drain: bounds.Drain = None,
    report: ways.ReportForm = None,
    log_level: ways.LogLevel = None,
    log_format: ways.LogFormat = None,
    database_url: ways.DatabaseUrl = None,
    flickr_url: ways.FlickrUrl = None,
    image_url: ways.ImageUrl = None,
    vision_url: ways.VisionUrl = None,
    sandbox_fast: ways.SandboxFast = False,
    sandbox_fault: ways.SandboxFault = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which ingestor this is.", callback=_version, metavar=""
        ),
    ] = False,
) -> int | None:
    typed = dict(locals())  # the flags and nothing else: there is no other local yet
    visit: Visit = context.obj
    visit.flags = settings_of(typed)
    if context.invoked_subcommand is not None:
        return None
    from ingestor.cli.ingest import ingest as run

    return run(visit)
