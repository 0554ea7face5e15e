"""A schedule for a person: what happened, when, in which life of the process."""

from __future__ import annotations

from tests.simulation.lives import Verdict

MOST_LINES = 120


def timeline(verdict: Verdict, *, most: int = MOST_LINES) -> str:
    """The last lines of a schedule, its seed and its end."""
    lines = [
        f"{time:9.2f} s  life {life}  point {point:5d}  {what}"
        for time, life, point, what in verdict.world.log
    ]
    head = [f"seed {verdict.scenario.seed}: {verdict.scenario}", f"lives: {verdict.ends}"]
    if len(lines) > most:
        head.append(f"... {len(lines) - most} lines before")
    error = verdict.error
    end = "all invariants hold" if error is None else f"{type(error).__name__}: {error}"
    return "\n".join([*head, *lines[-most:], end])
