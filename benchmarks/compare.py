"""
ingestor and its peers side by side: `python benchmarks/compare.py [--rounds N] [--minutes M]`.

Builds the C programs, starts the far end, and lets every way work in turn, round after round, in random
order. A way's cost is marginal: CPU of a long run less a short one, from getrusage of that process
alone. What is shown are medians of ratios within a round: a noisy minute then falls on all alike. Run
it on a quiet machine; where there are two cores, the far end has one to itself.

The far end counts what reaches it. A way that did not have every picture annotated is an error, and no
figure.
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
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingestor.bench.machine import machine

HERE = Path(__file__).parent
PICTURE_BYTES = 150_000
POOL = 100_000
CLIENT_CORE, SERVER_CORE = {0}, {1}

SIZES = {
    "floor": (20_000, 20_000),
    "hashing": (20_000, 20_000),
    "ingestor": (2_000, 6_000),
    "downloads": (2_000, 6_000),
    "plain": (640, 3_200),
    "threaded": (640, 1_920),
    "blog": (100, 400),
    "img2dataset": (1_000, 3_000),
}
"""Photos of the short and the long run; the C programs leave their start out by themselves."""

NAMES = {
    "floor": "C: receive, encode, send; nothing else",
    "hashing": "C: the same, and SHA-256 of every picture",
    "ingestor": "**ingestor**, every guarantee on",
    "plain": "asyncio + aiohttp + json, as one writes it",
    "downloads": "ingestor, download leg only: listed, checked, hashed",
    "img2dataset": "img2dataset, download leg only: hashed",
    "threaded": "32 threads, the official clients",
    "blog": "one after the other, googleapiclient",
}
LATENCIES = ("80", "500", "30", "60", "200")
"""Milliseconds: picture, paid call and each of its images, update, listing; as in the sandbox."""


FEWEST_ROUNDS = 3
"""Measured even when the time is up: of fewer there is no median worth the name."""
LONGEST_RUN = 180.0
"""Seconds; the slowest way takes five on a quiet machine."""
OURS = {"ingestor": "ours.py", "downloads": "downloads.py"}
DOWNLOADS_ONLY = ("downloads", "img2dataset")
"""Nothing is bought or stored; both take SHA-256 of every picture."""
QUIET = "img2dataset"
"""It reports its progress to stderr, at length."""
IN_C = {"floor": (), "hashing": ("-DHASH", "-lcrypto")}
"""One source, and what it is built with."""
OPENSSL = Path("/usr/include/openssl/evp.h")
"""Debian: `libssl-dev`."""
AT_HOME = {"NO_ALBUMENTATIONS_UPDATE": "1"}
"""Part of img2dataset looks for newer versions of itself at every start; nobody shall here."""

Round = dict[str, "Cost"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one more photo."""

    cpu_us: float
    per_second: float
    """Photos a second, with a core to itself and no latency."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--minutes", type=float, default=6.0, help="no round begins after them")
    parser.add_argument("--quick", action="store_true", help="a quarter of the photos")
    parser.add_argument("--ways", default=",".join(SIZES))
    parser.add_argument(
        "--img2dataset", default=sys.executable, metavar="PYTHON", help="the one that has it"
    )
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    about = machine()
    pythons = dict.fromkeys(SIZES, sys.executable) | {"img2dataset": asked.img2dataset}
    ways = [way for way in asked.ways.split(",") if way in SIZES and there(way, pythons[way])]
    began, rounds = time.monotonic(), list[Round]()
    with tempfile.TemporaryDirectory(prefix="ingestor-compare-") as folder:
        built = Path(folder)
        build("far_end", "far_end", built)
        for way in IN_C.keys() & set(ways):
            build("floor", way, built, *IN_C[way])
        wall = with_latency(built, ways, pythons)
        while len(rounds) < asked.rounds and (
            len(rounds) < FEWEST_ROUNDS or time.monotonic() - began < asked.minutes * 60
        ):
            rounds.append(one_round(ways, built, pythons, share=4 if asked.quick else 1))
    if asked.json:
        asked.json.write_text(json.dumps(kept(about, rounds, wall), indent=2))
    print(shown(ways, rounds, wall))


def one_round(ways: list[str], built: Path, pythons: Mapping[str, str], *, share: int) -> Round:
    """What one more photo costs, by way."""
    costs: Round = {}
    with far_end(built) as port:
        for way in random.sample(ways, len(ways)):
            short, long = (photos // share for photos in SIZES[way])
            if way in IN_C:
                said = run(way, port, long, built, pythons)
                costs[way] = Cost(said["cpu_us"], said["pictures_per_second"])
            else:
                first, second = (run(way, port, photos, built, pythons) for photos in (short, long))
                more = long - short
                costs[way] = Cost(
                    (second["cpu"] - first["cpu"]) / more * 1e6,
                    more / (second["seconds"] - first["seconds"]),
                )
            sys.stderr.write(f"{way}: {costs[way].cpu_us:.0f} us\n")
    return costs


def with_latency(built: Path, ways: list[str], pythons: Mapping[str, str]) -> dict[str, float]:
    """Photos a second where every answer takes as long as the real one."""
    with far_end(built, *LATENCIES) as port:
        rates = {}
        for way, photos in (("ingestor", 10_000), ("blog", 20)):
            if way in ways:
                said = run(way, port, photos, built, pythons)
                rates[way] = said["photos"] / said["seconds"]
        return rates


def run(
    way: str, port: int, photos: int, built: Path, pythons: Mapping[str, str]
) -> dict[str, float]:
    """Let one way work; raises RuntimeError if not all of its work arrived."""
    if way in IN_C:
        command = [str(built / way), str(port), str(photos)]
    elif way in OURS:
        command = [sys.executable, str(HERE / OURS[way]), str(port), str(photos)]
    else:
        command = [pythons[way], str(HERE / "peers.py"), way, str(port), str(photos)]
    before = seen(port)
    done = subprocess.run(
        pinned(CLIENT_CORE) + command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if way == QUIET else None,
        env=os.environ | AT_HOME,
        check=True,
        timeout=LONGEST_RUN,
        text=True,
    )
    after = seen(port)
    counted = "pictures" if way in DOWNLOADS_ONLY else "annotated"
    if after[counted] - before[counted] < photos:
        raise RuntimeError(f"{way}: {after[counted] - before[counted]} of {photos} arrived")
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def seen(port: int) -> dict[str, int]:
    """What the far end has counted so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/seen", timeout=10) as answer:
        counts: dict[str, int] = json.loads(answer.read())
        return counts


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


def build(source: str, name: str, folder: Path, *with_: str) -> None:
    program = str(folder / name)
    subprocess.run(["gcc", "-O2", "-o", program, str(HERE / f"{source}.c"), *with_], check=True)


def there(way: str, python: str) -> bool:
    """Whether what a way needs is installed where it runs."""
    needs = {
        "img2dataset": "img2dataset",
        "threaded": "google.cloud.vision, firebase_admin",
        "blog": "googleapiclient",
    }
    if way == "hashing" and not OPENSSL.exists():
        sys.stderr.write(f"{way} is left out: there is no {OPENSSL}\n")
        return False
    if way not in needs:
        return True
    found = subprocess.run([python, "-c", f"import {needs[way]}"], capture_output=True, check=False)
    if found.returncode:
        sys.stderr.write(f"{way} is left out: {python} has no {needs[way]}\n")
    return not found.returncode


def ratio(rounds: list[Round], one: str, other: str) -> float:
    """How much more CPU one takes: the median of what each round says."""
    return statistics.median(each[one].cpu_us / each[other].cpu_us for each in rounds)


def kept(
    about: dict[str, object], rounds: list[Round], wall: dict[str, float]
) -> dict[str, object]:
    """Every repetition, and what they come to."""
    ways = list(rounds[0])
    return {
        "about": about,
        "rounds": [
            {way: [cost.cpu_us, cost.per_second] for way, cost in each.items()} for each in rounds
        ],
        "median_cpu_us": {
            way: statistics.median(each[way].cpu_us for each in rounds) for way in ways
        },
        "against_floor": {way: ratio(rounds, way, "floor") for way in ways if "floor" in ways},
        "against_ingestor": {
            way: ratio(rounds, way, "ingestor") for way in ways if "ingestor" in ways
        },
        "with_latency_per_second": wall,
    }


def shown(ways: list[str], rounds: list[Round], wall: dict[str, float]) -> str:
    """The table of docs/performance.md."""

    def cell(one: str, other: str) -> str:
        return f"{ratio(rounds, one, other):.1f} ×" if {one, other} <= set(ways) else "-"

    head = ("", "µs CPU a photo", "against the floor", "against ingestor")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for way, name in NAMES.items():
        if way in ways:
            cost = statistics.median(each[way].cpu_us for each in rounds)
            against = f"{cell(way, 'floor')} | {cell(way, 'ingestor')}"
            lines.append(f"| {name} | {cost:,.0f} | {against} |")
    lines.append(f"\nMedians of {len(rounds)} rounds.")
    if "ingestor" in ways:
        rate = statistics.median(each["ingestor"].per_second for each in rounds)
        lines.append(f"ingestor does {rate:,.0f} photos a second on one core.")
    if wall.keys() >= {"ingestor", "blog"}:
        lines.append(
            f"With realistic latency: {wall['ingestor']:,.0f} photos a second against "
            f"{wall['blog']:.1f} one after the other, {wall['ingestor'] / wall['blog']:,.0f} ×."
        )
    if {*DOWNLOADS_ONLY} <= set(ways):
        times = ratio(rounds, "img2dataset", "downloads")
        lines.append(f"To download alone takes img2dataset {times:.1f} times as much as ingestor.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
