"""
The door: it parses, wires, runs, and is the only room that talks to people.

Data goes to stdout, everything else to stderr. What a command needs beyond the standard library and
typer is imported inside that command, so that `--help` answers at once.
"""

import sys
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
