"""
Point it at a Flickr group; get a labelled, searchable picture collection.

    import asyncio
    import signal
    from ingestor import Lifetime, Settings, ingest

    async def main():
        settings = Settings.read(groups=("12345678@N00",), limit=1000)
        lifetime = Lifetime(drain=8.0)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lifetime.stop, "SIGINT")
        report = await ingest(settings, lifetime=lifetime)
        print(report.stored, report.units.certain)

    asyncio.run(main())

`lifetime.stop` has what is paid for awaited and saved. A run that is cancelled is a run that was killed:
the next one buys again what was in flight.

The command line is `ingestor --help`. What is not named here may change without notice.
"""

from __future__ import annotations

# `typing` is not asked for it: while that loads, Ctrl+C would be answered with a traceback.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from ingestor.engines.local import forecast, ingest
    from ingestor.errors import IngestorError, RunStopped, SettingsError
    from ingestor.events import Event
    from ingestor.kits.lifetime import Lifetime, Stopping
    from ingestor.models import Annotation, Label, Photo
    from ingestor.report import Forecast, Report
    from ingestor.settings import Settings

__all__ = [
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

_HOMES = {
    "Annotation": "models",
    "Event": "events",
    "Forecast": "report",
    "IngestorError": "errors",
    "Label": "models",
    "Lifetime": "kits.lifetime",
    "Photo": "models",
    "Report": "report",
    "RunStopped": "errors",
    "Settings": "settings",
    "SettingsError": "errors",
    "Stopping": "kits.lifetime",
    "forecast": "engines.local",
    "ingest": "engines.local",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the sandbox, and `ingestor --help`, need none of it."""
    if name == "__version__":
        from importlib import metadata

        return metadata.version("ingestor")
    if name not in _HOMES:
        raise AttributeError(f"module 'ingestor' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"ingestor.{_HOMES[name]}"), name)
