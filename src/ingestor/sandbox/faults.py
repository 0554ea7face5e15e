"""
How to misbehave: named faults with rates, decided by the seed and the request alone.

A fault strikes by a hash of (seed, fault, key, how often this key was asked about), so the same
requests meet the same faults in whatever order they arrive. Every upstream declares its own
faults and knobs; this file only keeps them.
"""

import difflib
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

HASH_RANGE: Final = 2**64
"""An eight-byte digest, read as a number, is divided by this to give a share in [0, 1)."""

MAX_NEAR_NAMES: Final = 3
"""How many similar names an error offers; taste."""


class Faults:
    """
    Which faults are on, how often, and how often they struck.

    A rate is a share of the requests, from 0 (never) to 1 (always). A knob is a plain number with
    its own meaning: a limit, a number of seconds. Names outside `known` and `knobs` raise
    `ValueError`, which names the nearest known ones.
    """

    def __init__(
        self,
        seed: int,
        rates: Mapping[str, float] | None = None,
        *,
        known: Mapping[str, str],
        knobs: Mapping[str, float],
    ) -> None:
        self.known: Final = dict(known)
        self.knobs: Final = dict(knobs)
        self._defaults: Final = dict(self.knobs)
        self._seed = seed
        self._rates: dict[str, float] = {}
        self._queued: Counter[str] = Counter()
        self._asked: Counter[tuple[str, str]] = Counter()
        self._struck: Counter[str] = Counter()
        self._active: frozenset[str] = frozenset()
        for name, value in (rates or {}).items():
            self.set(name, value)

    def strikes(self, name: str, key: str = "") -> bool:
        """Tell whether the fault hits this request; asking counts as a request."""
        if name not in self._active:
            self._check_name(name)
            return False
        if self._queued[name] > 0:
            self._queued[name] -= 1
            self._refresh()
            struck = True
        else:
            struck = self._draw(name, key) < self._rates.get(name, 0.0)
        self._struck[name] += struck
        return struck

    def first(self, names: Iterable[str], key: str = "") -> str | None:
        """Return the first of the names that strikes this request; the rest are not asked."""
        if not self._active:
            return None
        return next((name for name in names if self.strikes(name, key)), None)

    def set(self, name: str, value: float) -> None:
        """Change a rate or a knob from now on."""
        self.check(name, value)
        (self.knobs if name in self.knobs else self._rates)[name] = value
        self._refresh()

    def check(self, name: str, value: float) -> None:
        """Raise `ValueError` for what cannot be set."""
        if name in self.knobs:
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"the knob {name} takes a number from 0 up, not {value}")
            return
        self._check_name(name)
        if not 0 <= value <= 1:
            raise ValueError(f"the rate of {name} lies between 0 and 1; {value} does not")

    def queue(self, name: str, times: int = 1) -> None:
        """Let the next so many requests that could meet this fault meet it."""
        self._check_name(name)
        self._queued[name] += times
        self._refresh()

    def clear(self) -> None:
        """Behave from now on: no rates, nothing queued, knobs as delivered."""
        self._rates.clear()
        self._queued.clear()
        self._asked.clear()
        self.knobs.update(self._defaults)
        self._refresh()

    def knob(self, name: str) -> float:
        return self.knobs[name]

    def rates(self) -> dict[str, float]:
        return {name: rate for name, rate in self._rates.items() if rate > 0}

    def counts(self) -> dict[str, int]:
        """How often each fault struck, since the start."""
        return {name: count for name, count in self._struck.items() if count}

    def _draw(self, name: str, key: str) -> float:
        rate = self._rates.get(name, 0.0)
        if rate in (0.0, 1.0):
            return 0.0
        number = self._asked[name, key]
        self._asked[name, key] += 1
        return share_of(f"{self._seed}\0{name}\0{key}\0{number}")

    def _refresh(self) -> None:
        queued = {name for name, left in self._queued.items() if left > 0}
        self._active = frozenset(self.rates()) | queued

    def _check_name(self, name: str) -> None:
        if name in self.known:
            return
        everything = [*self.known, *self.knobs]
        near = difflib.get_close_matches(name, everything, n=MAX_NEAR_NAMES, cutoff=0.4)
        offer = f"; near it: {', '.join(near)}" if near else ""
        raise ValueError(f"there is no fault {name!r}{offer}")


def share_of(text: str) -> float:
    """A number in [0, 1) that the text alone decides."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / HASH_RANGE
