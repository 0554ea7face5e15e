"""Whatever can be set, given or started is in the documents, under the name it has."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import ingestor
from ingestor.cli.commands import app
from ingestor.journal.schema import OLDEST_SQLITE
from ingestor.sandbox.__main__ import parser as sandbox_parser
from ingestor.settings import Settings
from ingestor.web.licenses import LICENSES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")

DEFAULTS = dict(
    re.findall(r"^\| [^|]*\| `([A-Z_]+)` \| ([^|]*?) *\|", REFERENCE, flags=re.MULTILINE)
)
"""By variable, as they are written."""
NOTHING: tuple[object, ...] = (None, False, ())
"""Defaults that the reference puts into words."""

RANGE = re.compile(r"Python 3\.(\d+) to 3\.(\d+)")
EXIT_CODES = ("0", "1", "2", "3", "4", "129", "130", "143")


def test_everybody_names_the_same_pythons() -> None:
    """README, the house rules, the script that installs, and what the package says of itself."""
    texts = (
        README,
        *((ROOT / name).read_text() for name in ("CONTRIBUTING.md", "scripts/install")),
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = re.findall(r":: Python :: 3\.(\d+)", " ".join(project["classifiers"]))

    ranges = {tuple(map(int, found)) for text in texts for found in RANGE.findall(text)}

    assert ranges == {(int(said[0]), int(said[-1]))}
    assert list(map(int, said)) == list(range(int(said[0]), int(said[-1]) + 1))
    assert project["requires-python"] == f">=3.{said[0]}"


def test_everybody_names_the_same_sqlite() -> None:
    script = (ROOT / "scripts/install").read_text()
    oldest = ".".join(map(str, OLDEST_SQLITE))

    assert f"SQLite has to be {oldest} or later" in " ".join(README.split())
    assert f"with SQLite {oldest} or later" in script
    assert f"sqlite_version_info < {OLDEST_SQLITE}" in script


def variable(field: str) -> str:
    """The environment variable that sets a field of the settings."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"INGESTOR_{field.upper()}"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by what one types after `ingestor`; the main job under ""."""
    pending: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while pending:
        name, command = pending.pop()
        yield name, command
        for word, child in getattr(command, "commands", {}).items():
            pending.append((f"{name} {word}".strip(), child))


def flags() -> set[str]:
    typed = {
        flag
        for _name, command in commands()
        for parameter in command.params
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if not getattr(parameter, "hidden", False)
    }
    parsed = {flag for action in sandbox_parser()._actions for flag in action.option_strings}
    return {flag for flag in typed | parsed if flag.startswith("--")}


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_in_the_reference(field: str) -> None:
    assert f"`{variable(field)}`" in REFERENCE


@pytest.mark.parametrize(
    "field", [name for name, field in Settings.model_fields.items() if field.default not in NOTHING]
)
def test_a_default_in_the_reference_is_the_one_there_is(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(field), DEFAULTS[variable(field)].strip("`"))

    assert getattr(Settings.read(), field) == Settings.model_fields[field].default


def test_every_variable_in_the_code_is_in_the_reference() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    read = set(re.findall(r"\"((?:INGESTOR|FLICKR|FIREBASE)_[A-Z_]+)\"", code))

    assert not sorted(name for name in read if f"`{name}`" not in REFERENCE)


def test_every_flag_is_in_the_reference() -> None:
    written = set(re.findall(r"--[a-z][a-z-]+", REFERENCE))

    assert not sorted(flags() - written - {"--help"})


def test_the_reference_invents_no_flag() -> None:
    written = set(re.findall(r"`(--[a-z][a-z-]+)", REFERENCE))

    assert not sorted(written - flags() - {"--help"})


def test_every_command_is_in_the_reference() -> None:
    names = [name for name, _command in commands() if name]

    assert not [name for name in names if f"ingestor {name}" not in REFERENCE]


def test_every_exit_code_is_in_the_reference() -> None:
    rows = re.findall(r"^\| (\d+(?:, \d+)*) \|", REFERENCE, flags=re.MULTILINE)

    assert {code for row in rows for code in row.split(", ")} == set(EXIT_CODES)


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda page: page.name
)
def test_no_link_leads_nowhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_library_is_shown_as_the_package_shows_it() -> None:
    written = re.search(r"^```python\n(.*?)```", README, flags=re.MULTILINE | re.DOTALL)

    assert written
    code = "".join(line for line in written[1].splitlines(keepends=True) if line.strip())
    assert textwrap.indent(code, "    ") in re.sub(r"\n+", "\n", ingestor.__doc__ or "")


def test_the_rules_open_what_search_reads_and_nothing_else() -> None:
    rules = json.loads((ROOT / "database.rules.json").read_text(encoding="utf-8"))["rules"]

    assert rules.pop(".read") is False
    assert rules.pop(".write") is False
    assert rules == {name: {".read": True} for name in ("photos", "index", "labels")}


def test_every_licence_of_a_number_is_in_the_reference() -> None:
    told = " ".join(REFERENCE.split()).lower()

    assert not [n for n, one in LICENSES.items() if f"{n} {one.name}".lower() not in told]
