"""The report, as a short table for people or as one JSON object for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ingestor.cli.json_lines import write_json
from ingestor.cli.redaction import Redaction
from ingestor.cli.spelling import count, duration, share, state_flag
from ingestor.exits import COMPLETE, TOO_MANY_FAILURES, USAGE
from ingestor.kits.amounts import counted, money
from ingestor.report import Forecast, Report

if TYPE_CHECKING:
    from ingestor.settings import Settings

WIDTH_WITHOUT_TERMINAL: Final = 100

NO_FAILURES: Final = frozenset({"known", "video", "dropped"})
"""Reasons for which photos are skipped; all others are failures."""

ONCE_MORE: Final = "continues, and may spend as much once more"
HIGHER: Final = "with a higher ceiling continues where this one stopped"
"""Where the ceiling left nothing to spend, it would leave as much once more."""
ONWARD: Final = {
    "max-units": ONCE_MORE,
    "max-cost": ONCE_MORE,
    "max-units-per-day": "continues when the day is over",
    "max-units-per-month": "continues when the month is over",
}
"""What the same command again does after a ceiling, as the sentence about it says, too."""
MENDED: Final = "continues when what stopped it is mended"
"""A key, a right or a bill, as the sentence about it says."""

UNLESS_TWICE: Final = "unless it may pay for them twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What the advice at the end of a report depends on, beside the report."""

    state: str
    """The flag that the commands to type next need, with a blank before it."""
    parks: bool
    """What is in doubt is not bought again."""
    otherwise: bool
    """Known photos have other features than those asked for."""


class Printer:
    """Writes results to stdout, in the form that `--report` asks for."""

    def __init__(self, settings: Settings, *, redaction: Redaction, stdout: TextIO) -> None:
        self._json = settings.report == "json"
        self._state = state_flag(settings.state)
        self._parks = settings.in_doubt == "park"
        self._redaction = redaction
        self._stdout = stdout

    def report(self, report: Report, *, otherwise: bool = False) -> None:
        """`otherwise`: known photos have other features than those asked for."""
        after = After(state=self._state, parks=self._parks, otherwise=otherwise)
        self._print(report.as_json(), lambda: report_table(report, after))

    def forecast(self, forecast: Forecast) -> None:
        self._print(forecast.as_json(), lambda: forecast_table(forecast))

    def _print(self, plain: Mapping[str, object], drawn: Callable[[], RenderableType]) -> None:
        if self._json:
            write_json(self._stdout, self._redaction.value(plain))
        else:
            self._stdout.write(self._redaction.text(text_of(drawn(), console_on(self._stdout))))


def console_on(stream: TextIO) -> Console:
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, emoji=False)


def text_of(drawn: RenderableType, console: Console) -> str:
    """What a console shows; in a file or a pipe without the blanks that fill up its lines."""
    with console.capture() as captured:
        console.print(drawn, crop=False)
    text = captured.get()
    if console.is_terminal:
        return text
    return "\n".join(line.rstrip() for line in text.split("\n"))


def rows_of(rows: Mapping[str, RenderableType]) -> RenderableType:
    """Names on the left, what there is to say on the right."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, min_width=8)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    return Padding(table, (0, 0, 0, 2), expand=False)


def report_table(report: Report, after: After) -> RenderableType:
    rows: dict[str, RenderableType] = {
        "photos": _photos(report),
        "units": _units(report),
        "pace": Text(_pace(report)),
        "bound by": Text.assemble(
            (report.bottleneck.name, "bold"), f": {report.bottleneck.advice}".rstrip(": ")
        ),
    }
    if failures := {k: n for k, n in report.by_reason.items() if k not in NO_FAILURES}:
        rows["failed"] = causes(failures)
    if steps := next_steps(report, after):
        rows["next"] = steps_table(steps)
    return Group(Text(), _headline(report), rows_of(rows), Text())


def _headline(report: Report) -> Text:
    if report.exit_code == COMPLETE:
        ending = ("complete", "bold green")
    elif report.exit_code == TOO_MANY_FAILURES:
        ending = ("finished, with too many failures", "bold red")
    else:
        ending = (f"stopped: {report.ended}", "bold yellow")
    return Text.assemble(ending, (f"   {', '.join(report.groups)}   run {report.run_id}", "dim"))


def _photos(report: Report) -> Text:
    skips = {k: n for k, n in report.by_reason.items() if k in NO_FAILURES}
    why = ", ".join(f"{count(photos)} {reason}" for reason, photos in skips.items())
    dead = "bold red" if report.dead else ""
    return Text.assemble(
        (count(report.listed), "bold"),
        " listed = ",
        (count(report.stored), "bold green"),
        f" stored + {count(report.skipped)} skipped{f' ({why})' if why else ''} + ",
        (f"{count(report.dead)} dead", dead),
        " + ",
        (f"{count(report.pending)} pending", "bold yellow" if report.pending else ""),
    )


def _units(report: Report) -> Text:
    units = report.units
    text = Text.assemble(
        (count(units.certain), "bold"),
        " certain, ",
        (f"{count(units.possible)} possible", "yellow" if units.possible else ""),
        "   ",
        (money(report.cost_usd), "bold"),
    )
    if units.in_doubt:
        images = counted(units.in_doubt, "image")
        text.append(f"   {images} in doubt, at most a unit each", "yellow")
    if report.reused:
        text.append(f"   {counted(report.reused, 'photo')} free: same bytes as another", "dim")
    return text


def _pace(report: Report) -> str:
    """Of the whole run; the progress tells that of the moment."""
    parts = [f"{report.images_per_second:.1f} images/s stored on average"]
    if report.quota_used:
        parts.append(f"{share(report.quota_used)} of the quota")
    return ", ".join([*parts, f"{duration(report.seconds)} in all"])


def causes(failures: Mapping[str, int]) -> RenderableType:
    """Failures by cause, the most frequent first."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold red")
    table.add_column()
    for reason, photos in sorted(failures.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(count(photos), reason)
    return table


def next_steps(report: Report, after: After) -> dict[str, str]:
    """Commands that a person may want to type now, each with what it is good for."""
    steps: dict[str, str] = {}
    if report.pending:
        steps["the same command again"] = _onward(report, parks=after.parks)
    if report.dead:
        steps[f"ingestor dead list{after.state}"] = "shows what failed, with examples"
        steps |= _second_tries(report, state=after.state)
    if after.otherwise:
        use = "buys known photos with these features"
        steps["the same command with --reannotate"] = use
    if report.stored or report.skipped:
        steps[f"ingestor search dog{after.state}"] = "finds the best pictures of anything"
    return steps


def _onward(report: Report, *, parks: bool) -> str:
    pending_in_doubt = report.units.in_doubt - report.by_reason.get("in-doubt", 0)
    onward = MENDED if report.exit_code == USAGE else ONWARD.get(report.ended, "continues")
    doubtful = 0 if parks else max(0, min(pending_in_doubt, report.pending))
    if not doubtful:
        if ONWARD.get(report.ended) == ONCE_MORE and not report.units.certain:
            return HIGHER
        return onward if report.ended in ONWARD else f"{onward}, and buys nothing twice"
    return (
        f"{onward}; up to {counted(doubtful, 'image')} in doubt may be "
        "bought again, with --in-doubt park none"
    )


def _second_tries(report: Report, *, state: str) -> dict[str, str]:
    """What may be paid for twice has a command of its own: the other one leaves it alone."""
    steps: dict[str, str] = {}
    in_doubt = report.by_reason.get("in-doubt", 0)
    if report.dead > in_doubt:
        use = f"lets the next run try them again, {UNLESS_TWICE}"
        steps[f"ingestor dead retry{state}"] = use
    if in_doubt:
        use = f"buys the {count(in_doubt)} in doubt, perhaps a second time"
        steps[f"ingestor dead retry --reason in-doubt{state}"] = use
    return steps


def last_words(report: Report, *, state: str) -> str:
    """What is said on stderr when a run ended otherwise than complete."""
    if report.exit_code != TOO_MANY_FAILURES:
        return report.message
    return (
        f"{report.message} See `ingestor dead list{state}`, then `ingestor dead retry{state}`, which "
        "leaves alone what may have been paid for."
    )


def steps_table(steps: Mapping[str, str]) -> RenderableType:
    """No table: where there is little room, a line is broken between words."""
    width = max(map(len, steps))
    lines = [
        Text.assemble((command, "bold cyan"), f"{'':<{width - len(command)}}  {use}")
        for command, use in steps.items()
    ]
    return Text("\n").join(lines)


def forecast_table(forecast: Forecast) -> RenderableType:
    known = f"{count(forecast.known)} known already"
    if forecast.known_otherwise:
        known += f" ({count(forecast.known_otherwise)} with other features)"
    free = f"{count(forecast.free_units)} of them in this month's free units"
    rows: dict[str, Any] = {
        "photos": Text.assemble(
            (count(forecast.photos), "bold"),
            f" listed: {known}, {count(forecast.skipped)} skipped, {count(forecast.dead)} dead",
        ),
        "units": Text.assemble((count(forecast.units), "bold"), f" to buy, {free}"),
        "cost": Text.assemble((money(forecast.cost_usd), "bold"), " at Google's list price"),
        "time": Text.assemble((duration(forecast.seconds), "bold"), " under the quota, at best"),
    }
    most = forecast.buyable
    if stops := most is not None and forecast.units > most:
        rows["ceiling"] = Text(f"a run stops there, after {counted(most, 'photo')}", style="yellow")
    rows["next"] = Text(_after_forecast(forecast, stops=stops))
    head = Text.assemble(
        ("forecast", "bold green"), (f"   {', '.join(forecast.groups)}   nothing bought", "dim")
    )
    return Group(Text(), head, rows_of(rows), Text())


def _after_forecast(forecast: Forecast, *, stops: bool) -> str:
    otherwise = ""
    if forecast.known_otherwise:
        otherwise = "; with --reannotate as well it tells what those with other features would cost"
    if not forecast.units:
        return f"a run would find nothing to buy{otherwise}"
    ceiling = "; --max-cost sets a ceiling" if forecast.buyable is None else ""
    hint = " as far as the ceiling" if stops else ceiling
    return f"the same command without --dry-run buys them{hint}{otherwise}"
