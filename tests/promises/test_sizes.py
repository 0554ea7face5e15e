"""Rooms and functions stay small, and every file says what it is for."""

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


def functions() -> dict[str, int]:
    """Every function of the package by place and name, with its lines from `def` to its end."""
    return {
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    }


def test_no_file_outgrows_its_room() -> None:
    lines = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in FILES}

    assert not {name: n for name, n in lines.items() if n > MOST_LINES_OF_A_FILE}


def test_no_function_outgrows_a_screen() -> None:
    assert not {name: n for name, n in functions().items() if n > MOST_LINES_OF_A_FUNCTION}


def test_most_functions_are_read_at_a_glance() -> None:
    lines = list(functions().values())

    assert statistics.median(lines) <= MOST_LINES_OF_HALF_THE_FUNCTIONS
    assert statistics.quantiles(lines, n=10)[-1] <= MOST_LINES_OF_NINE_FUNCTIONS_IN_TEN


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_file_begins_with_its_caption(path: Path) -> None:
    caption = ast.get_docstring(ast.parse(path.read_text()))

    assert caption, "the module docstring is missing"
    assert caption.split("\n\n")[0].rstrip()[-1] in ".:!", "the first sentence has no end"
