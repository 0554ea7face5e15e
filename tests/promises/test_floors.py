"""The contracts of .importlinter hold, and each of them notices when it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def floors(root: Path) -> subprocess.CompletedProcess[str]:
    """Lint the imports of the package below `root`, whichever is installed."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_imports_only_look_down() -> None:
    linted = floors(ROOT)

    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("contract", "room", "line"),
    [
        pytest.param("only looks down", "models", "import ingestor.events", id="floors"),
        pytest.param("front door", "events", "import ingestor.__main__", id="front"),
        pytest.param("toolbox", "kits.channel", "import ingestor.models", id="toolbox"),
        pytest.param("Tools", "kits.channel", "import ingestor.kits.lifetime", id="tools"),
        pytest.param("Vendors", "apis.flickr", "import ingestor.apis.vision", id="vendors"),
        pytest.param("not vendors", "stages.store", "import ingestor.apis.rtdb", id="stages"),
        pytest.param("Stages do", "stages.store", "import ingestor.stages.annotate", id="shapes"),
        pytest.param("foreign", "sandbox.calls", "import ingestor.models", id="foreign"),
        pytest.param("touch HTTP", "services", "import aiohttp", id="http"),
        pytest.param("touch HTTP", "cli.export", "import requests", id="requests"),
        pytest.param("touch HTTP", "apis.flickr", "import http.client", id="http.client"),
        pytest.param("touch HTTP", "engines", "import google.auth", id="google-auth"),
        pytest.param("touch HTTP", "eyes.site", "import urllib3", id="urllib3"),
        pytest.param("touch HTTP", "worker", "import socket", id="socket"),
        pytest.param("SQL", "pipeline", "import sqlite3", id="sql"),
        pytest.param("talks", "pipeline", "import rich", id="voice"),
        pytest.param("ray", "pipeline", "import ray", id="cluster"),
    ],
)
def test_a_contract_notices_when_it_is_broken(
    copy: Path, contract: str, room: str, line: str
) -> None:
    path = copy / "src/ingestor" / Path(*room.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    file.write_text(f"{file.read_text()}\n{line}\n")

    linted = floors(copy)

    broken = [said for said in linted.stdout.splitlines() if " BROKEN" in said]
    assert any(contract in said for said in broken), linted.stdout + linted.stderr


def test_a_new_room_must_be_given_a_floor(copy: Path) -> None:
    (copy / "src/ingestor/attic.py").write_text('"""Nobody said where this is."""\n')

    linted = floors(copy)

    assert "attic" in linted.stdout
    assert linted.returncode != 0
