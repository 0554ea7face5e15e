"""What is installed is what was pinned: by version, by hash, from wherever the machine installs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)( ; [^:/]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def lines(pins: str) -> list[str]:
    return (ROOT / "requirements" / f"{pins}.txt").read_text().splitlines()


def versions(pins: str) -> dict[str, str]:
    found = (PIN.fullmatch(line) for line in lines(pins))
    return {match["name"]: match["version"] for match in found if match}


@pytest.mark.parametrize("pins", ["audit", "installer", "run", "test"])
def test_a_list_of_pins_holds_versions_and_hashes_and_nothing_else(pins: str) -> None:
    foreign = [line for line in lines(pins) if not (PIN.fullmatch(line) or HASH.fullmatch(line))]

    assert not foreign


@pytest.mark.parametrize(
    ("pins", "asked"),
    [
        pytest.param("run", PROJECT["project"]["dependencies"], id="run"),
        pytest.param("run", PROJECT["build-system"]["requires"], id="build"),
        pytest.param("run", PROJECT["project"]["optional-dependencies"]["fast"], id="fast"),
        pytest.param("test", PROJECT["dependency-groups"]["test"], id="test"),
    ],
)
def test_every_floor_is_met_by_a_pin(pins: str, asked: list[str]) -> None:
    pinned = versions(pins)

    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("file", ["Dockerfile", "scripts/audit", "scripts/install"])
def test_whatever_a_script_installs_is_pinned(file: str) -> None:
    words = re.findall(r"pip install (-.*)", (ROOT / file).read_text())

    assert words
    for fetched in words:
        assert "--require-hashes -r " in fetched or "--no-deps --no-build-isolation" in fetched


def test_the_tests_run_on_what_users_run_on() -> None:
    assert versions("run").items() <= versions("test").items()


def test_what_only_judges_is_not_shipped() -> None:
    judges = {"firebase-admin", "google-api-python-client", "google-cloud-vision", "flickrapi"}

    assert judges <= versions("test").keys()
    assert not judges & versions("run").keys()
