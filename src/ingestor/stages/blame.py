"""
Whose fault it is that a picture does not come: the photo's, or everybody's trouble.

A photo is given up for what it met while others were served. Where nobody is served that says nothing of
the photos: they are tried for as long as we are patient, and then it is the run that ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ingestor.errors import (
    AddressRefused,
    IngestorError,
    NotSent,
    RunStopped,
    reason_of,
    retry_hint,
    wish_of,
)
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.luck import Luck
from ingestor.kits.retrying import LONGEST_WAIT

SEVERAL = 4
"""Photos that fail side by side, without any success, before the image server is to blame."""
IN_A_ROW = 32
"""
Photos given up for what may be everybody's trouble, without a picture between them, before it is taken for
that: where half of all are bad by themselves, one run in a hundred thousand meets so many (taste).
"""
OF_THE_PHOTO: Final = frozenset({"gone", "too-large", "url-refused"})
"""Answers that say something about one picture alone."""
FEWER: Final = {"not-an-image": 2, "corrupt": 2, "empty": 2}
"""Attempts where the answer itself is wrong: once more, in case it was a bad moment."""
LOOK = 0.1
"""Seconds between two looks at what others meet with."""


class Trial(Struct):
    """One photo in one rendition, and what became of it until now."""

    photo: str
    failed_at: float
    """When it failed last; before that, when it was begun."""
    tries: int = 0
    its_own: int = 0
    """Failures between which others were served."""


class Blame:
    """Hears of all downloads of a run, and judges by what the others met with."""

    def __init__(self, *, lifetime: Lifetime, patience: float, clock: Callable[[], float]) -> None:
        self._lifetime = lifetime
        self._patience = patience
        self._clock = clock
        self.served_at = clock()
        """When the last picture came; before that, when the run began."""
        self._served_since = float("-inf")
        """When the latest of the attempts that succeeded began."""
        self._luck = Luck()
        self._failing: set[str] = set()
        """Photos whose last attempt failed, and which are tried again."""
        self._given_up = 0
        """Photos, since the last picture."""
        self._turned_away: set[str] = set()
        """Photos that are to wait longer than we do; it is being found out whether others are, too."""

    def served(self, trial: Trial, *, begun: float, now: float) -> None:
        """An attempt that began at `begun` has brought a picture."""
        self._luck.tried(trial.tries, failed=False)
        self.served_at = now
        self._given_up = 0
        self._served_since = max(self._served_since, begun)

    def failed(self, trial: Trial, error: BaseException) -> bool | float:
        """Whether it is tried again; a hint for `persist`."""
        # Where nobody is served, or it was never sent, that says nothing of the photo.
        trial.its_own += self._served_since > trial.failed_at and not isinstance(error, NotSent)
        trial.failed_at = self._clock()
        self._luck.tried(trial.tries, failed=True)
        enough = FEWER.get(reason_of(error), float("inf"))
        if trial.its_own >= self._luck.too_many or trial.tries >= enough:
            return False
        self._failing.add(trial.photo)
        return retry_hint(error)

    def over(self, trial: Trial) -> None:
        """It is not tried again, however it ended."""
        self._failing.discard(trial.photo)

    async def given_up(self, trial: Trial, error: IngestorError) -> None:
        """It ended without a picture. Raises RunStopped where that is no photo's fault."""
        if reason_of(error) not in OF_THE_PHOTO:
            self._given_up += 1
            # Of a certificate, or an address that is not the server's, no other photo has a better one.
            if isinstance(error, AddressRefused) or self._given_up >= IN_A_ROW:
                raise _unavailable("Not one picture is to be had", error) from error
        if retry_hint(error) is False or reason_of(error) in FEWER:
            return
        wish = wish_of(error)
        if wish > self._patience:
            if not await self._turns_all_away(trial.photo):
                return
            said = f"The image server asks us to wait {wish:.0f} s"
        else:
            several = len(self._failing) >= SEVERAL or isinstance(error, NotSent)
            if not (several and self._nobody_succeeds(wish)):
                return
            said = f"No picture could be downloaded for {self._patience:.0f} s"
        raise _unavailable(said, error) from error

    def _nobody_succeeds(self, wish: float) -> bool:
        # The last wait that would have passed our patience is not waited for.
        return self._clock() - self.served_at >= self._patience - LONGEST_WAIT - wish

    async def _turns_all_away(self, photo: str) -> bool:
        """
        Whether it serves nobody whom it hears after it has asked this photo to wait longer than we
        do. Where nobody else is left to ask for, that is taken for all.
        """
        since = self._clock()
        self._turned_away.add(photo)
        try:
            while self._clock() - since < LONGEST_WAIT and len(self._turned_away) < SEVERAL:
                if self._served_since > since:
                    return False
                await self._lifetime.rest(LOOK)
            return True
        finally:
            self._turned_away.discard(photo)


def _unavailable(said: str, error: IngestorError) -> RunStopped:
    return RunStopped(
        f"{said} ({error}).",
        reason="images-unavailable",
        then="Nothing is lost; run the same command again when the image server answers.",
    )
