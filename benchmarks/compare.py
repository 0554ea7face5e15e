"""
ingestor and its peers side by side: `python benchmarks/compare.py [--rounds N] [--quick]`.

Builds the C programs, starts the far end, and lets every way work in turn, round after round, in random
order. A way's cost is marginal: CPU of a long run less a short one, from getrusage of that process
alone. What is shown are medians of ratios within a round: a noisy minute then falls on all alike. Run
it on a quiet machine; where there are two cores, the far end has one to itself.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
PICTURE_BYTES = 150_000
POOL = 100_000
CLIENT_CORE, SERVER_CORE = {0}, {1}

SIZES = {
    "floor": (20_000, 20_000),
    "ingestor": (2_000, 6_000),
    "plain": (640, 3_200),
    "threaded": (640, 1_920),
    "blog": (100, 400),
    "img2dataset": (1_000, 3_000),
}
"""Photos of the short and the long run; the floor leaves its start out by itself."""

NAMES = {
    "floor": "C: receive, encode, send; nothing else",
    "ingestor": "**ingestor**, every guarantee on",
    "plain": "asyncio + aiohttp + json, as one writes it",
    "img2dataset": "img2dataset, download leg only",
    "threaded": "32 threads, the official clients",
    "blog": "one after the other, googleapiclient",
}
LATENCIES = ("80", "500", "30", "60", "200")
"""Milliseconds: picture, paid call and each of its images, update, listing; as in the sandbox."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a quarter of the photos")
    parser.add_argument("--ways", default=",".join(SIZES))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    ways = [way for way in asked.ways.split(",") if way in SIZES and there(way)]
    with tempfile.TemporaryDirectory(prefix="ingestor-compare-") as folder:
        built = Path(folder)
        for name in ("floor", "far_end"):
            build(name, built)
        rounds = [
            one_round(ways, built, share=4 if asked.quick else 1) for _ in range(asked.rounds)
        ]
        wall = with_latency(built, ways)
    if asked.json:
        asked.json.write_text(json.dumps({"rounds": rounds, "wall": wall}, indent=2))
    print(shown(ways, rounds, wall))


def one_round(ways: list[str], built: Path, *, share: int) -> dict[str, float]:
    """Microseconds of CPU for one more photo, by way."""
    costs: dict[str, float] = {}
    with far_end(built) as port:
        for way in random.sample(ways, len(ways)):
            short, long = (photos // share for photos in SIZES[way])
            if way == "floor":
                costs[way] = run(way, port, long, built)["cpu_us"]
            else:
                first, second = (run(way, port, photos, built) for photos in (short, long))
                costs[way] = (second["cpu"] - first["cpu"]) / (long - short) * 1e6
            sys.stderr.write(f"{way}: {costs[way]:.0f} us\n")
    return costs


def with_latency(built: Path, ways: list[str]) -> dict[str, float]:
    """Photos a second where every answer takes as long as the real one."""
    with far_end(built, *LATENCIES) as port:
        rates = {}
        for way, photos in (("ingestor", 10_000), ("blog", 20)):
            if way in ways:
                said = run(way, port, photos, built)
                rates[way] = said["photos"] / said["seconds"]
        return rates


def run(way: str, port: int, photos: int, built: Path) -> dict[str, float]:
    if way == "floor":
        command = [str(built / "floor"), str(port), str(photos)]
    elif way == "ingestor":
        command = [sys.executable, str(HERE / "ours.py"), str(port), str(photos)]
    else:
        command = [sys.executable, str(HERE / "peers.py"), way, str(port), str(photos)]
    done = subprocess.run(
        pinned(CLIENT_CORE) + command, stdout=subprocess.PIPE, check=True, timeout=1800, text=True
    )
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


@contextmanager
def far_end(built: Path, *latencies: str) -> Iterator[int]:
    """It ends when its stdin closes."""
    process = subprocess.Popen(
        [*pinned(SERVER_CORE), str(built / "far_end"), str(POOL), str(PICTURE_BYTES), *latencies],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the far end was started without pipes")
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        time.sleep(0.2)


def pinned(cores: set[int]) -> list[str]:
    """Client and server on cores of their own, where there are two and `taskset`."""
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return []
    return ["taskset", "-c", ",".join(map(str, cores))]


def build(name: str, folder: Path) -> None:
    subprocess.run(["gcc", "-O2", "-o", str(folder / name), str(HERE / f"{name}.c")], check=True)


def there(way: str) -> bool:
    """Whether what a way needs is installed."""
    from importlib.util import find_spec

    needs = {
        "img2dataset": "img2dataset",
        "threaded": "google.cloud.vision",
        "blog": "googleapiclient",
    }
    try:
        return way not in needs or find_spec(needs[way]) is not None
    except ModuleNotFoundError:
        return False


def shown(ways: list[str], rounds: list[dict[str, float]], wall: dict[str, float]) -> str:
    """The table of the README."""

    def ratio(one: str, other: str) -> str:
        if one not in ways or other not in ways:
            return "-"
        return f"{statistics.median(costs[one] / costs[other] for costs in rounds):.1f} ×"

    lines = ["| | µs CPU a photo | against the floor | against ingestor |", "|---|---|---|---|"]
    for way, name in NAMES.items():
        if way in ways:
            cost = statistics.median(costs[way] for costs in rounds)
            lines.append(
                f"| {name} | {cost:,.0f} | {ratio(way, 'floor')} | {ratio(way, 'ingestor')} |"
            )
    if wall.keys() >= {"ingestor", "blog"}:
        lines.append(
            f"\nWith realistic latency: {wall['ingestor']:,.0f} photos a second against "
            f"{wall['blog']:.1f} one after the other, {wall['ingestor'] / wall['blog']:,.0f} ×."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
