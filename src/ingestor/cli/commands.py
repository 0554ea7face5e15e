"""The subcommands: what each one takes, and where it is carried out."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from ingestor.cli import bench_flags, flags, worker_flags
from ingestor.cli.app import app
from ingestor.cli.numbers import positive, whole
from ingestor.cli.visit import Visit

__all__ = ["app"]

PASSED_ON: Final = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}

dead = typer.Typer(
    help="Photos that ended without an annotation: see why, try them again, or give them up.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
app.add_typer(dead, name="dead")

Reason = Annotated[
    str | None,
    flags.flag("--reason", "Only those with this cause, as `dead list` names it.", metavar="WORD"),
]
Photos = Annotated[
    list[str] | None, typer.Argument(help="Only these photo ids.", metavar="[PHOTO]...")
]


@app.command(context_settings=PASSED_ON, add_help_option=False)
def sandbox(context: typer.Context) -> int:
    """Play Flickr, its images, Vision and the database on this machine, until Ctrl+C."""
    from ingestor.cli.sandboxed import serve

    return serve(context.args)


@app.command()
def status(
    context: typer.Context,
    *,
    state: flags.Journal = None,
    as_json: flags.AsJson = False,
) -> int:
    """Say what the journal holds: photos, units spent, what is in doubt, the last runs."""
    from ingestor.cli.status import status as run

    visit: Visit = context.obj
    return run(visit.settings(state=state), as_json=as_json)


@app.command()
def worker(
    context: typer.Context,
    *,
    group: flags.Group = None,
    groups_file: worker_flags.GroupsFile = None,
    every: worker_flags.Every = None,
    recheck: worker_flags.Recheck = None,
    max_units_per_day: worker_flags.MaxUnitsPerDay = None,
    max_units_per_month: worker_flags.MaxUnitsPerMonth = None,
    eyes: worker_flags.Eyes = None,
    traces: worker_flags.Traces = False,
    state: flags.Journal = None,
    sandbox: flags.OfSandbox = False,
) -> int:
    """Keep groups in sync until told to stop. Takes the flags of a run as well, before its name."""
    from ingestor.cli.worker import work as run

    visit: Visit = context.obj
    settings = visit.settings(
        groups=tuple(group or ()) or None,
        groups_file=groups_file,
        every=every,
        recheck=recheck,
        max_units_per_day=max_units_per_day,
        max_units_per_month=max_units_per_month,
        eyes=eyes,
        traces=traces,
        state=state,
        sandbox=sandbox,
    )
    return run(visit, settings)


@app.command()
def search(
    context: typer.Context,
    labels: Annotated[
        list[str],
        typer.Argument(help="Labels; photos that have all of them.", metavar="LABEL..."),
    ],
    *,
    limit: Annotated[
        int | None,
        flags.flag(
            "--limit",
            "So many photos, the best first.",
            default="5",
            metavar="PHOTOS",
            parser=whole(least=1, most=500, instead="5 are shown without it"),
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        flags.flag(
            "--min-score",
            "Leave out photos below this score, from 0 to 1.",
            default="0",
            metavar="SCORE",
            parser=positive(instead="scores lie between 0 and 1"),
        ),
    ] = None,
    as_json: flags.AsJson = False,
    state: flags.Journal = None,
    database_url: flags.Database = None,
    sandbox: flags.OfSandbox = False,
) -> int:
    """Show the best pictures for labels: from the state directory, or with --database-url there."""
    from ingestor.cli.search import Asked
    from ingestor.cli.search import search as run

    visit: Visit = context.obj
    settings = visit.settings(state=state, database_url=database_url, sandbox=sandbox)
    asked = Asked(labels=tuple(labels), limit=limit or 5, min_score=min_score or 0.0)
    return run(visit, settings, asked, as_json=as_json)


@app.command()
def serve(
    context: typer.Context,
    *,
    host: Annotated[
        str,
        flags.flag(
            "--host",
            "The address to listen on; 0.0.0.0 is every one this machine has.",
            default="127.0.0.1",
            metavar="ADDRESS",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        flags.flag(
            "--port",
            "The port to listen on; 0 is any free one.",
            default="8080",
            metavar="PORT",
            parser=whole(least=0, most=65535, instead="8080 is used without it"),
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        flags.flag(
            "--name",
            "A host name that the page may be asked by, as a proxy before it passes it on; may be "
            "given several times.",
            default="localhost; with --host another than loopback, any",
            metavar="HOST",
        ),
    ] = None,
    state: flags.Journal = None,
    database_url: flags.Database = None,
    image_url: flags.ImageUrl = None,
    sandbox: flags.OfSandbox = False,
) -> int:
    """Show the collection in a browser, and how the runs are doing, until Ctrl+C."""
    from ingestor.cli.serve import DEFAULT_PORT, Door
    from ingestor.cli.serve import serve as run

    visit: Visit = context.obj
    settings = visit.settings(
        state=state, database_url=database_url, image_url=image_url, sandbox=sandbox
    )
    door = Door(host=host, port=DEFAULT_PORT if port is None else port, names=tuple(name or ()))
    return run(visit, settings, door)


@app.command()
def export(
    context: typer.Context,
    *,
    form: Annotated[
        Literal["jsonl", "parquet"] | None,
        flags.flag("--format", "One JSON object a line, or Parquet.", default="by --output's name"),
    ] = None,
    output: Annotated[
        str,
        flags.flag("--output", "The file to write; - is stdout.", default="-", metavar="FILE"),
    ] = "-",
    state: flags.Journal = None,
) -> int:
    """Write all annotations to a file, or to stdout."""
    from ingestor.cli.export import export as run

    visit: Visit = context.obj
    return run(visit.settings(state=state), output=output, form=form)


@app.command()
def reconcile(
    context: typer.Context,
    *,
    check: Annotated[
        bool,
        flags.flag("--check", "Only tell; exit code 1 if the two do not agree."),
    ] = False,
    as_json: flags.AsJson = False,
    state: flags.Journal = None,
    database_url: flags.Database = None,
    sandbox: flags.OfSandbox = False,
) -> int:
    """Compare journal and database, both ways, and repair what differs without paying."""
    from ingestor.cli.reconcile import reconcile as run

    visit: Visit = context.obj
    settings = visit.settings(state=state, database_url=database_url, sandbox=sandbox)
    return run(visit, settings, check=check, as_json=as_json)


@app.command()
def bench(
    scenarios: bench_flags.Scenarios = None,
    *,
    quick: bench_flags.Quick = False,
    repeat: bench_flags.Repeat = None,
    minutes: bench_flags.Minutes = None,
    loop: bench_flags.Loop = None,
    json: bench_flags.Json = None,
    html: bench_flags.Html = None,
    compare: bench_flags.Compare = None,
) -> int:
    """Measure throughput, CPU and memory against the sandbox, on this machine."""
    from ingestor.cli.bench import Asked
    from ingestor.cli.bench import bench as run

    return run(
        Asked(
            scenarios=tuple(scenarios or ()),
            quick=quick,
            repeat=repeat or 1,
            minutes=minutes,
            loop=loop or "uvloop",
            json=json,
            html=html,
            compare=compare,
        )
    )


@dead.command("list")
def dead_list(
    context: typer.Context,
    *,
    reason: Reason = None,
    samples: Annotated[
        int | None,
        flags.flag(
            "--samples",
            "Examples for each cause.",
            default="3",
            metavar="PHOTOS",
            parser=whole(least=0, most=20, instead="3 are shown without it"),
        ),
    ] = None,
    as_json: flags.AsJson = False,
    state: flags.Journal = None,
) -> int:
    """Show dead photos by cause, with examples."""
    from ingestor.cli.dead import show

    visit: Visit = context.obj
    wanted = 3 if samples is None else samples
    return show(visit.settings(state=state), reason=reason, samples=wanted, as_json=as_json)


@dead.command("retry")
def dead_retry(
    context: typer.Context,
    photos: Photos = None,
    *,
    reason: Reason = None,
    state: flags.Journal = None,
) -> int:
    """Have the next run try dead photos again: all of them, or those chosen."""
    from ingestor.cli.dead import retry

    visit: Visit = context.obj
    return retry(visit.settings(state=state), reason=reason, photos=photos or [])


@dead.command("drop")
def dead_drop(
    context: typer.Context,
    photos: Photos = None,
    *,
    reason: Reason = None,
    everything: Annotated[
        bool, flags.flag("--all", "All dead photos, whatever the cause.")
    ] = False,
    state: flags.Journal = None,
) -> int:
    """Give dead photos up: they are skipped from now on, and never tried or paid for again."""
    from ingestor.cli.dead import drop

    visit: Visit = context.obj
    settings = visit.settings(state=state)
    return drop(settings, reason=reason, photos=photos or [], everything=everything)
