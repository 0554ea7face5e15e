"""What a bench has seen of one run, made up."""

from __future__ import annotations

from ingestor.bench.client import STEPS
from ingestor.bench.rounds import Lap
from ingestor.bench.sampling import REST


def a_lap(*, photos: int = 1000, quota: int = 0, cpu: float = 3.0, number: int = 0) -> Lap:
    """A run of 100 photos a second, warm after a quarter."""
    return Lap(
        scenario="ceiling",
        photos=photos,
        round=number,
        quota=quota,
        killed=False,
        seconds=photos / 100,
        samples=[
            {"at": at, "downloaded": 100 * at, "annotated": 100 * at, "stored": 100 * at}
            | {"rss": 10**8, "lag": 0.001}
            for at in range(photos // 100 + 1)
        ],
        final={
            "report": {"stored": photos, "listed": photos, "skipped": 0, "dead": 0}
            | {"quota_used": 0.0, "refusals": 0, "peak_memory_mb": 120.0}
            | {"bottleneck": {"name": "images", "advice": "raise --max-downloads"}},
            "warm": dict.fromkeys(STEPS, photos / 4)
            | {"wall": 2.5, "user": 1.0, "system": 0.0, "faults": 0},
            "end": dict.fromkeys(STEPS, photos)
            | {"wall": 10.0, "user": cpu, "system": 1.0, "faults": 1500},
            "seconds": {"download": [0.01, 0.02], "annotate": [0.1], "store": [], "lag": [0.002]},
            "split": {"download": 0.6, REST: 0.4},
        },
        bill={"images": photos + 2, "photos": photos, "charged_again": {"1": 3}},
    )
