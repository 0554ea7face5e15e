"""The subcommands: what each one takes, and where it is carried out."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from ingestor.cli.app import app
from ingestor.cli.flags import of_bench, of_dead, of_search, of_serve, of_worker, shared, ways, what
from ingestor.cli.flags.flag import flag
from ingestor.cli.flags.like_a_run import LikeARun
from ingestor.cli.flags.plain import Plain, PlainGroup
from ingestor.cli.visit import Visit, settings_of

__all__ = ["app"]

PASSED_ON: Final = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}

dead = typer.Typer(
    cls=PlainGroup,
    help="Photos that ended without an annotation: see why, try them again, or give them up.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
app.add_typer(dead, name="dead")


@app.command(context_settings=PASSED_ON, add_help_option=False)
def sandbox(context: typer.Context) -> int:
    """Play Flickr, its images, Vision and the database on this machine, until Ctrl+C."""
    from ingestor.cli.sandboxed import serve

    return serve(context.args)


@app.command(cls=Plain)
def status(
    context: typer.Context,
    *,
    state: shared.Journal = None,
    as_json: shared.AsJson = False,
) -> int:
    """Say what the journal holds: photos, units spent, what is in doubt, the last runs."""
    from ingestor.cli.status import status as run

    visit: Visit = context.obj
    return run(visit.settings(state=state), as_json=as_json)


@app.command(cls=LikeARun)
def worker(
    context: typer.Context,
    *,
    group: what.Group = None,
    groups_file: of_worker.GroupsFile = None,
    every: of_worker.Every = None,
    recheck: of_worker.Recheck = None,
    max_units_per_day: of_worker.MaxUnitsPerDay = None,
    max_units_per_month: of_worker.MaxUnitsPerMonth = None,
    eyes: of_worker.Eyes = None,
    traces: of_worker.Traces = False,
    state: shared.Journal = None,
    sandbox: what.Sandbox = False,
) -> int:
    """Keep groups in sync until told to stop. Takes the flags of a run as well."""
    typed = dict(locals())  # the flags and nothing else: there is no other local yet
    from ingestor.cli.worker import work as run

    visit: Visit = context.obj
    return run(visit, visit.settings(**settings_of(typed)))


@app.command(cls=Plain)
def search(
    context: typer.Context,
    labels: of_search.Labels,
    *,
    limit: of_search.Limit = None,
    min_score: of_search.MinScore = None,
    after: of_search.After = None,
    everything: of_search.Everything = False,
    as_json: shared.AsJson = False,
    state: shared.Journal = None,
    database_url: shared.Database = None,
    sandbox: shared.OfSandbox = False,
) -> int:
    """Show the best pictures for labels: from the state directory, or with --database-url there."""
    from ingestor.cli.search import Asked
    from ingestor.cli.search import search as run

    visit: Visit = context.obj
    settings = visit.settings(state=state, database_url=database_url, sandbox=sandbox)
    asked = Asked(
        words=tuple(labels),
        limit=limit or 5,
        min_score=min_score or 0.0,
        everything=everything,
        after=after,
    )
    return run(visit, settings, asked, as_json=as_json)


@app.command(cls=Plain)
def serve(
    context: typer.Context,
    *,
    host: of_serve.Host = "127.0.0.1",
    port: of_serve.Port = None,
    name: of_serve.Name = None,
    state: shared.Journal = None,
    database_url: shared.Database = None,
    image_url: ways.ImageUrl = None,
    sandbox: of_serve.Sandbox = False,
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


@app.command(cls=Plain)
def export(
    context: typer.Context,
    *,
    form: Annotated[
        Literal["jsonl", "parquet"] | None,
        flag("--format", "One JSON object a line, or Parquet.", default="by --output's name"),
    ] = None,
    output: Annotated[
        str,
        flag("--output", "The file to write; - is stdout.", default="-", metavar="FILE"),
    ] = "-",
    state: shared.Journal = None,
) -> int:
    """Write all annotations to a file, or to stdout."""
    from ingestor.cli.export import export as run

    visit: Visit = context.obj
    return run(visit.settings(state=state), output=output, form=form)


@app.command(cls=Plain)
def reconcile(
    context: typer.Context,
    *,
    check: Annotated[
        bool,
        flag("--check", "Only tell; exit code 1 if the two do not agree."),
    ] = False,
    as_json: shared.AsJson = False,
    state: shared.Journal = None,
    database_url: shared.DatabaseBeside = None,
    sandbox: shared.OfSandbox = False,
) -> int:
    """Compare journal and database, both ways, and repair what differs without paying."""
    from ingestor.cli.reconcile import reconcile as run

    visit: Visit = context.obj
    settings = visit.settings(state=state, database_url=database_url, sandbox=sandbox)
    return run(visit, settings, check=check, as_json=as_json)


@app.command(cls=Plain)
def bench(
    scenarios: of_bench.Scenarios = None,
    *,
    quick: of_bench.Quick = False,
    repeat: of_bench.Repeat = None,
    minutes: of_bench.Minutes = None,
    loop: of_bench.Loop = None,
    json: of_bench.Json = None,
    html: of_bench.Html = None,
    compare: of_bench.Compare = None,
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


@dead.command("list", cls=Plain)
def dead_list(
    context: typer.Context,
    *,
    reason: of_dead.Reason = None,
    samples: of_dead.Samples = None,
    as_json: shared.AsJson = False,
    state: shared.Journal = None,
) -> int:
    """Show dead photos by cause, with examples."""
    from ingestor.cli.dead import show

    visit: Visit = context.obj
    wanted = 3 if samples is None else samples
    return show(visit.settings(state=state), reason=reason, samples=wanted, as_json=as_json)


@dead.command("retry", cls=Plain)
def dead_retry(
    context: typer.Context,
    photos: of_dead.Photos = None,
    *,
    reason: of_dead.Reason = None,
    everything: of_dead.PaidAmongThem = False,
    state: shared.Journal = None,
) -> int:
    """Have the next run try dead photos again: those chosen, or all that it cannot pay for twice."""
    from ingestor.cli.dead import retry

    visit: Visit = context.obj
    settings = visit.settings(state=state)
    return retry(settings, reason=reason, photos=photos or [], everything=everything)


@dead.command("drop", cls=Plain)
def dead_drop(
    context: typer.Context,
    photos: of_dead.Photos = None,
    *,
    reason: of_dead.Reason = None,
    everything: of_dead.Everything = False,
    state: shared.Journal = None,
) -> int:
    """Give dead photos up: they are skipped from now on, and never tried or paid for again."""
    from ingestor.cli.dead import drop

    visit: Visit = context.obj
    settings = visit.settings(state=state)
    return drop(settings, reason=reason, photos=photos or [], everything=everything)
