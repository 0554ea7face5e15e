"""
What flows through the machine: plain values, no I/O, no clock.

A photo becomes an image (its bytes in memory), an image becomes an annotation (what Vision said)
or a failure; nothing else leaves the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Paid = Literal["no", "yes", "maybe"]
StageName = Literal["discover", "download", "annotate", "store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One rendition of a photo; width and height are 0 where the upstream did not say."""

    url: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A record from a listing. Times are unix seconds; texts are as the upstream gave them."""

    id: str
    group: str
    owner: str
    owner_name: str
    title: str
    page: str
    sizes: tuple[Size, ...] = field(hash=False)
    """Renditions worth labelling, the preferred first; empty where none may be fetched."""
    thumb: str
    license: str
    uploaded: int
    date_added: int
    is_video: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A photo with its bytes in memory, and how much of the memory budget it holds."""

    photo: Photo
    content: bytes = field(repr=False)
    sha256: str
    size: Size
    reserved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label of one image; scores lie in 0..1; `mid` is "" where Google gave none."""

    name: str
    score: float
    topicality: float
    mid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What Vision said of one photo's bytes; no labels is an answer, not a failure."""

    photo_id: str
    labels: tuple[Label, ...]
    safe: Mapping[str, str] | None
    model: str
    sha256: str
    features: str
    """The feature set asked for, as `FeatureSet.key`: results are known per photo and feature set."""
    partial: bool = False
    """Google set an error beside the annotations, and declares them correct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A photo with its annotation: what the store writes and search reads."""

    photo: Photo
    size: Size
    annotation: Annotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One photo's end without an annotation; kept as a dead letter."""

    photo_id: str
    stage: StageName
    reason: str
    """One word from the failure model ("gone", "corrupt"), for counting."""
    detail: str = ""
    attempts: int = 1
    paid: Paid = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """
    What is asked of Vision for every image, and what one image costs in units.

    SafeSearch is free beside labels (https://cloud.google.com/vision/pricing), so one unit each.
    """

    max_labels: int
    safe_search: bool = False
    model: str = "builtin/stable"

    @property
    def key(self) -> str:
        """Results bought under one key answer only requests for the same key."""
        return f"labels:{self.max_labels}{'+safe' if self.safe_search else ''}@{self.model}"

    @property
    def units_per_image(self) -> int:
        return 1


class PurchaseState(StrEnum):
    """How a paid request ended, as the journal keeps it."""

    OPEN = "open"
    SETTLED = "settled"
    NOT_SENT = "not-sent"
    REFUSED = "refused"
    IN_DOUBT = "in-doubt"
