"""
The door: it parses, wires, runs, and is the only room that talks to people.

Data goes to stdout, everything else to stderr. What a command needs beyond the standard library and
typer is imported inside that command, so that `--help` answers at once.
"""

from ingestor.cli.door import main

__all__ = ["main"]
