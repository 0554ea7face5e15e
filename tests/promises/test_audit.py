"""The weekly audit tells a clean answer from none at all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[2] / "scripts" / "audit"

CLEAN = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
HOLE = {"id": "CVE-2026-128131", "fix_versions": ["3.14.4"]}


def audited(tmp_path: Path, answer: str) -> subprocess.CompletedProcess[str]:
    """Run the audit with a tool that gives this answer."""
    (tmp_path / "answer").write_text(answer)
    tool = tmp_path / "pip-audit"
    tool.write_text(
        f'#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\ncat {tmp_path}/answer >"$2"\n'
    )
    tool.chmod(0o700)
    return subprocess.run(
        [AUDIT], env={"PIP_AUDIT": str(tool), "PATH": "/usr/bin:/bin"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_no_known_hole_is_success(tmp_path: Path) -> None:
    said = audited(tmp_path, json.dumps({"dependencies": [CLEAN]}))

    assert (said.returncode, said.stderr) == (0, "")
    assert "1 pins, 0 known holes" in said.stdout


def test_a_known_hole_is_named_with_its_cure(tmp_path: Path) -> None:
    said = audited(tmp_path, json.dumps({"dependencies": [{**CLEAN, "vulns": [HOLE]}]}))

    assert said.returncode == 1
    assert "aiohttp 3.14.5: CVE-2026-128131, fixed in 3.14.4" in said.stdout


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("", id="no network"),
        pytest.param('{"dependencies": []}', id="nothing looked at"),
        pytest.param(
            json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}]}),
            id="an index that knows nothing",
        ),
    ],
)
def test_no_answer_is_no_all_clear(answer: str, tmp_path: Path) -> None:
    said = audited(tmp_path, answer)

    assert said.returncode == 2
    assert "NOT AUDITED" in said.stderr
