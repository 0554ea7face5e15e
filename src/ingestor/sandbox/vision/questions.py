"""One proper request: the images, whose they are, who asks, and what it counts for."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingestor.sandbox.marks import photo_id_in
from ingestor.sandbox.tokens import Holder
from ingestor.sandbox.vision.bodies import Asked
from ingestor.sandbox.vision.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    images: Sequence[Asked]
    names: Sequence[str]
    """What the bill calls each image: the photo's id, or a hash of bytes drawn elsewhere."""

    parameters: Parameters
    holder: Holder | None
    """Whose token came with it; None for the API key."""

    @property
    def key(self) -> str:
        """What decides which faults strike this request."""
        return self.names[0]

    def units(self, *, by_feature: bool) -> int:
        """What it counts against the quota: images times features, or its largest feature."""
        counts = Counter(feature.type for asked in self.images for feature in asked.features)
        return max(counts.values()) if by_feature else counts.total()

    def charges(self) -> list[tuple[str, list[str]]]:
        """Every image with its features, for the bill."""
        return [
            (name, [feature.type for feature in asked.features])
            for name, asked in zip(self.names, self.images, strict=True)
        ]


def name_of(asked: Asked) -> str:
    """Two images have one name only if they are the same bytes (or the same photo posted twice)."""
    if not asked.content:
        return "by-uri"
    return photo_id_in(asked.content) or f"sha256:{hashlib.sha256(asked.content).hexdigest()[:16]}"
