"""What every test gets, asked for or not: an empty environment, and no task left behind."""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio

FOREIGN_PREFIXES = ("INGESTOR_", "FLICKR_", "FIREBASE_", "GOOGLE_", "GCLOUD_", "GCE_", "CLOUDSDK_")
"""Whoever runs the tests may have real keys; no test may see them."""

FOREIGN_NAMES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    # Processes that a test starts run as a user would start them.
    *("PYTHONDEVMODE", "PYTHONWARNINGS", "PYTHONASYNCIODEBUG"),
    # What is shown on a terminal goes by the terminal of the test.
    *("TERM", "NO_COLOR"),
)

QUICK_TLS = {"SSL_CERT_FILE": os.devnull}
"""Nothing here leaves the machine: reading whom the system trusts takes 30 ms, at every start."""

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

# Real time never decides a test, so a slow machine does not fail one.
hypothesis.settings.register_profile(
    "ingestor",
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ingestor")


@pytest.fixture(autouse=True)
def _emptied_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in os.environ:
        if name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_NAMES:
            monkeypatch.delenv(name)
    # Default credentials would otherwise be looked for in the home directory, and then on the
    # link-local address of a metadata server, which is not on this machine.
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path_factory.getbasetemp() / "no-gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    for name, value in QUICK_TLS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session", autouse=True)
def _no_loop_between_tests() -> None:
    # Python 3.11 makes a loop for whoever asks first, which plugins do, and nobody closes it.
    asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def _no_task_left_behind(request: pytest.FixtureRequest) -> None:
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_only_own_tasks")


@pytest_asyncio.fixture
async def _only_own_tasks() -> AsyncIterator[None]:
    yield

    # Transports that were just closed say so in the loop's next turns.
    for _turn in range(3):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {sorted(task.get_name() for task in left)}"


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The system's browser, or a skip that says how to get one."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    pytest.skip("no Chromium on this machine; scripts/browser installs it, or says how to")
