"""
What flows through the machine: plain values, no I/O, no clock.

A photo becomes an image (its bytes in memory), an image becomes an annotation (what Vision said)
or a failure; nothing else leaves the machine.

What a photo is made of is made by the dozen: as frozen dataclasses these were a twentieth of its CPU
(measured), as structs they are made in C and no less frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from msgspec import Struct

Paid = Literal["no", "yes", "maybe"]
StageName = Literal["discover", "download", "annotate", "store"]


class Size(Struct, frozen=True, kw_only=True, gc=False):
    """One rendition of a photo; width and height are 0 where the upstream did not say."""

    url: str
    width: int = 0
    height: int = 0


class Photo(Struct, frozen=True, kw_only=True):
    """A record from a listing. Times are unix seconds; texts are as the upstream gave them."""

    id: str
    group: str
    owner: str
    owner_name: str
    title: str
    page: str
    sizes: tuple[Size, ...]
    """Renditions worth labelling, the preferred first; empty where none may be fetched."""
    thumb: str
    license: str
    uploaded: int
    date_added: int
    is_video: bool = False


class Image(Struct, frozen=True, kw_only=True):
    """A photo with its bytes in memory, and how much of the memory budget it holds."""

    photo: Photo
    content: bytes
    sha256: str
    size: Size
    reserved: int = 0

    def __repr__(self) -> str:
        """Without the bytes."""
        return f"Image({self.photo.id}, {len(self.content)} bytes)"


class Label(Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """
    One label of one image; scores lie in 0..1; `mid` is "" where Google gave none.

    As JSON it is a list of the four, which the journal holds.
    """

    name: str
    score: float
    topicality: float
    mid: str


class Annotation(Struct, frozen=True, kw_only=True):
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


class Published(Struct, frozen=True, kw_only=True):
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
    """One word ("gone", "corrupt"), for counting."""
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

    SETTLED = "settled"
    NOT_SENT = "not-sent"
    REFUSED = "refused"
    IN_DOUBT = "in-doubt"
