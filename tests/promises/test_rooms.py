"""A room's sign, the docstring of its `__init__`, names everything that is in the room."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "src/ingestor"
SIGNS = sorted(sign.relative_to(HOUSE) for sign in HOUSE.glob("*/**/__init__.py"))
ROOMS = [sign.parent for sign in SIGNS if sign.parts[0] != "sandbox"]
"""The sandbox has too many files for a sign: each of them says what it is for."""


def files_of(room: Path) -> set[str]:
    files = {file.stem for file in room.glob("*.py")}
    return {*files, *(sign.parent.name for sign in room.glob("*/__init__.py"))} - {"__init__"}


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_the_sign_of_a_room_names_what_is_in_it(room: Path):
    code = (HOUSE / room / "__init__.py").read_text(encoding="utf-8")

    sign = ast.get_docstring(ast.parse(code)) or ""

    assert {file for file in files_of(HOUSE / room) if f"`{file}`" not in sign} == set()
