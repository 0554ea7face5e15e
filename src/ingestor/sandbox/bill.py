"""
What Google would charge: every image of every processed request, whether its answer arrived or not.

With a file the bill outlives the sandbox: one line of JSON is appended per request, and read
back at the next start. A sandbox that is killed loses no line it had written.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

FREE_BESIDE: Final[Mapping[str, str]] = {
    "SAFE_SEARCH_DETECTION": "LABEL_DETECTION",
    "CROP_HINTS": "IMAGE_PROPERTIES",
}
"""Features that cost nothing beside another: https://cloud.google.com/vision/pricing"""

MOST_LISTED: Final = 100
"""How many images charged twice the summary names; taste."""


class Bill:
    """The charges so far, by image and by feature."""

    def __init__(self, file: Path | None = None) -> None:
        self.requests = 0
        self.units = 0
        self.possible = 0
        """Images that were processed and charged although the answer never arrived."""
        self.failed = 0
        """Images that were charged and answered with an error of their own."""
        self.images: Counter[str] = Counter()
        """How often each image was charged, by the photo's id (or a hash of foreign bytes)."""
        self.by_feature: Counter[str] = Counter()
        self._file = file
        if file is not None and file.exists():
            self._read(file)

    def charge(self, images: Sequence[tuple[str, Iterable[str]]], *, failed: int = 0) -> None:
        """Put one processed request on the bill: (image, its features) for each image."""
        entry = {
            "images": [[image, sorted(charged(features))] for image, features in images],
            "failed": failed,
        }
        self._add(entry)
        self._write(entry)

    def lose(self, images: int) -> None:
        """Note that the answer for so many charged images did not arrive."""
        entry = {"lost": images}
        self._add(entry)
        self._write(entry)

    def charged_again(self) -> dict[str, int]:
        """The images that were charged more than once, and how often."""
        return {image: times for image, times in self.images.items() if times > 1}

    def most_for_one_image(self) -> int:
        return max(self.images.values(), default=0)

    def summary(self) -> dict[str, object]:
        """Everything, as plain JSON values."""
        again = self.charged_again()
        return {
            "requests": self.requests,
            "units": self.units,
            "images": self.images.total(),
            "photos": len(self.images),
            "possible": self.possible,
            "failed": self.failed,
            "most_for_one_photo": self.most_for_one_image(),
            "charged_again": dict(itertools.islice(again.items(), MOST_LISTED)),
            "photos_charged_again": len(again),
            "by_feature": dict(self.by_feature),
        }

    def clear(self) -> None:
        """Tear the bill up, on disk too."""
        self.requests = self.units = self.possible = self.failed = 0
        self.images.clear()
        self.by_feature.clear()
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _add(self, entry: Mapping[str, object]) -> None:
        match entry:
            case {"images": list(images), "failed": int(failed)}:
                self.requests += 1
                self.failed += failed
                for image, features in images:
                    self.images[image] += 1
                    self.units += len(features)
                    self.by_feature.update(features)
            case {"lost": int(images)}:
                self.possible += images

    def _write(self, entry: Mapping[str, object]) -> None:
        if self._file is not None:
            with self._file.open("ab") as lines:
                lines.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))

    def _read(self, file: Path) -> None:
        content = file.read_bytes()
        for line in content.splitlines():
            # A sandbox that died while writing leaves half a line.
            with suppress(orjson.JSONDecodeError):
                self._add(orjson.loads(line))
        if content and not content.endswith(b"\n"):
            with file.open("ab") as lines:
                lines.write(b"\n")


def charged(features: Iterable[str]) -> frozenset[str]:
    """The features of one image that cost a unit each."""
    asked = frozenset(features)
    return frozenset(feature for feature in asked if FREE_BESIDE.get(feature) not in asked)
