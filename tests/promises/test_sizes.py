"""Rooms, functions and what they are given stay small, and every file says what it is for."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "ingestor"
FILES = sorted(PACKAGE.rglob("*.py"))

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_LINES_OF_NINE_FUNCTIONS_IN_TEN = 30
MOST_LINES_OF_HALF_THE_FUNCTIONS = 12
MOST_POSITIONAL_PARAMETERS = 3

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> dict[str, Function]:
    """Every function of the package by place and name."""
    return {
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}": node
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Function)
    }


def lines_of(function: Function) -> int:
    """From `def` to its end."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def positional_of(function: Function) -> int:
    """Parameters that may be given by their place, beside whom a method belongs to."""
    given = [*function.args.posonlyargs, *function.args.args]
    return sum(one.arg not in ("self", "cls") for one in given)


def test_no_file_outgrows_its_room() -> None:
    lines = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in FILES}

    assert not {name: n for name, n in lines.items() if n > MOST_LINES_OF_A_FILE}


def test_no_function_outgrows_a_screen() -> None:
    lines = {name: lines_of(function) for name, function in functions().items()}

    assert not {name: n for name, n in lines.items() if n > MOST_LINES_OF_A_FUNCTION}


def test_most_functions_are_read_at_a_glance() -> None:
    lines = list(map(lines_of, functions().values()))

    assert statistics.median(lines) <= MOST_LINES_OF_HALF_THE_FUNCTIONS
    assert statistics.quantiles(lines, n=10)[-1] <= MOST_LINES_OF_NINE_FUNCTIONS_IN_TEN


def test_calls_say_by_name_what_their_places_would_not() -> None:
    positional = {name: positional_of(function) for name, function in functions().items()}
    # Drawing speaks in coordinates, which have an order that everybody knows.
    told = {name: n for name, n in positional.items() if not name.startswith("sandbox/drawing/")}

    assert not {name: n for name, n in told.items() if n > MOST_POSITIONAL_PARAMETERS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_file_begins_with_its_caption(path: Path) -> None:
    caption = ast.get_docstring(ast.parse(path.read_text()))

    assert caption, "the module docstring is missing"
    assert caption.split("\n\n")[0].rstrip()[-1] in ".:!", "the first sentence has no end"
