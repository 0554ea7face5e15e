"""`--sandbox` leads every upstream to the sandbox, whatever the environment says."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ingestor.cli.sandboxed import command, led_to, upstreams
from ingestor.cli.visit import Visit
from ingestor.errors import SettingsError

ADDRESSES = {
    "flickr_url": "http://127.0.0.1:1/services/rest/",
    "image_url": "http://127.0.0.1:2",
    "vision_url": "http://127.0.0.1:3",
    "database_url": "http://127.0.0.1:4/?ns=sandbox",
    "flickr_key": "sandbox-flickr-key",
    "google_key": "sandbox-google-key",
}


def a_visit(**flags: Any) -> Visit:
    return Visit(flags={"sandbox": True, **flags})


def test_real_keys_and_a_real_database_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", "canary-real-key")
    monkeypatch.setenv("FIREBASE_DATABASE_URL", "https://real.firebaseio.com")
    monkeypatch.setenv("FIREBASE_DATABASE_EMULATOR_HOST", "127.0.0.1:9000")
    visit = a_visit()

    settings = led_to(ADDRESSES, visit.settings(), visit=visit)

    assert settings.flickr_api_key is not None
    assert settings.flickr_api_key.get_secret_value() == "sandbox-flickr-key"
    assert settings.database_url == "http://127.0.0.1:4/?ns=sandbox"
    assert settings.emulator_host is None


def test_the_sandbox_enforces_the_quotas_that_we_were_told_of() -> None:
    visit = a_visit(images_per_minute=6000, sandbox_fast=True, sandbox_fault=["vision.reset=0.1"])

    words = " ".join(command(visit, visit.settings(), port=0, seed=7))

    assert "--images-per-minute 6000 --requests-per-minute 1800" in words
    assert "--fast --fault vision.reset=0.1" in words


def test_its_memory_is_kept_with_the_journal() -> None:
    visit = a_visit(state=Path("there"))

    words = command(visit, visit.settings(), port=0, seed=7)

    assert words[words.index("--memory") + 1] == "there/sandbox"


def test_what_lies_where_somebody_happens_to_be_is_not_carried_out(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('not ours')")
    visit = a_visit()
    words = command(visit, visit.settings(), port=0, seed=7)
    start = words[: words.index("--announce")]

    said = subprocess.run(
        [*start, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stderr


async def test_an_upstream_of_ones_own_is_refused_beside_it() -> None:
    visit = a_visit(database_url="http://127.0.0.1:9/?ns=mine")

    with pytest.raises(SettingsError, match="leave out --database-url"):
        async with upstreams(visit, visit.settings()):
            pass


async def test_without_it_the_settings_stay_as_they_are() -> None:
    settings = Visit().settings()

    async with upstreams(Visit(), settings) as reachable:
        assert reachable is settings


@pytest.mark.parametrize("below", ["file", "file/deeper"])
async def test_a_state_directory_that_cannot_be_one_is_named_once(
    tmp_path: Path, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGESTOR_SANDBOX_PORT", "0")
    (tmp_path / "file").touch()
    visit = a_visit(state=tmp_path / below)

    with pytest.raises(SettingsError, match="Choose another with --state") as raised:
        async with upstreams(visit, visit.settings()):
            pass

    assert str(raised.value).count(str(tmp_path)) == 1
    assert "PORT" not in str(raised.value)
