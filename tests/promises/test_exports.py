"""The public face: these names, no others, and they are what they say."""

import subprocess
import sys
from inspect import isclass, iscoroutinefunction

import ingestor

NAMES = [
    "Annotation",
    "Event",
    "Forecast",
    "IngestorError",
    "Label",
    "Lifetime",
    "Photo",
    "Report",
    "RunStopped",
    "Settings",
    "SettingsError",
    "Stopping",
    "forecast",
    "ingest",
]


def test_the_public_names_are_these_and_sorted():
    assert ingestor.__all__ == NAMES == sorted(NAMES)


def test_every_public_name_leads_somewhere():
    found = {name: getattr(ingestor, name) for name in NAMES}

    assert all(isclass(found[name]) for name in NAMES if name[0].isupper())
    assert all(iscoroutinefunction(found[name]) for name in ("forecast", "ingest"))


def test_the_face_loads_nothing_until_it_is_asked():
    look = "import sys, ingestor; print([m for m in sys.modules if m.startswith('ingestor.')])"

    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True)

    assert loaded.stdout.strip() == b"[]"
