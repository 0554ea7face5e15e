"""
The door: it parses, wires, runs, and is the only room that talks to people.

`app` and `commands` say what can be typed, `flags` and `numbers` how it is read, `variables` what of the
environment nobody reads; `door` runs it, and `hooks` hear of errors that nobody caught. A command has the
file of its name: `ingest`, `worker`, `search`, `serve`, `export`, `status`, `dead`, `reconcile`, `bench`.
`visit` is one call of it, `errand` what is around it while it works, `sandboxed` gives it upstreams to play
with. `listening` says meanwhile what there is to say: `logs`, `progress` with its `figures`, and for whom a
command is `awaiting`. `reporting`, `json_lines` and `spelling` are how things are written, `redaction` is
what is not, and `streams` are where it goes.

Data goes to stdout, everything else to stderr. What a command needs beyond the standard library and
typer is imported inside that command, so that `--help` answers at once.
"""

from __future__ import annotations

import sys

# Nothing else is loaded here: Ctrl+C is answered with a sentence only inside of `main`.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        # It takes a moment, in which somebody may think better of it.
        from ingestor.cli import door
    except KeyboardInterrupt:
        sys.stderr.write("ingestor: interrupted before it began.\n")
        return 130
    return door.main(arguments)
