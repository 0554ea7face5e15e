"""What an error means for the worker."""

from __future__ import annotations

import pytest

from ingestor.errors import (
    AnswerLost,
    Denied,
    JournalError,
    RunStopped,
    SettingsError,
    Unauthorized,
    Unavailable,
)
from ingestor.worker.troubles import Trouble, trouble_of


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        pytest.param(Unavailable("x", upstream="flickr"), Trouble.WEATHER, id="away"),
        pytest.param(AnswerLost("x", reason="timeout"), Trouble.WEATHER, id="lost"),
        pytest.param(RunStopped("x", reason="lease"), Trouble.WEATHER, id="lease"),
        pytest.param(RunStopped("x", reason="max-units-per-day"), Trouble.PURSE, id="day"),
        pytest.param(RunStopped("x", reason="max-units-per-month"), Trouble.PURSE, id="month"),
        pytest.param(RunStopped("x", reason="daily-quota"), Trouble.HALT, id="quota"),
        pytest.param(RunStopped("x", reason="vision-refuses"), Trouble.IMAGES, id="refusal"),
        pytest.param(RunStopped("x", reason="disk-full"), Trouble.HALT, id="disk"),
        pytest.param(
            Denied("x", upstream="flickr", reason="group-not-found"), Trouble.LOST, id="gone"
        ),
        pytest.param(
            Denied("x", upstream="flickr", reason="group-private"), Trouble.LOST, id="private"
        ),
        pytest.param(Denied("x", upstream="flickr", reason="api-key"), Trouble.HALT, id="key"),
        pytest.param(Denied("x", upstream="vision"), Trouble.HALT, id="billing"),
        pytest.param(Unauthorized("x", upstream="database"), Trouble.HALT, id="credentials"),
        pytest.param(SettingsError("x"), Trouble.HALT, id="settings"),
        pytest.param(JournalError("x"), Trouble.FATAL, id="journal"),
    ],
)
def test_an_error_decides_what_the_worker_does_next(error: Exception, trouble: Trouble):
    assert trouble_of(error) is trouble
