"""Whether we are the ones who may buy: the door asks before every paid call."""

from __future__ import annotations

from typing import Protocol


class Claim(Protocol):
    """Leave to buy for the groups of a run, which others may take over when it ends."""

    @property
    def epoch(self) -> int:
        """Grows with every taking: tells the purchases of two owners apart. 0: nobody shares."""
        ...

    @property
    def safe(self) -> bool:
        """Whether a paid call that begins now would end, however long it takes, while it is ours."""
        ...

    async def ready(self) -> None:
        """Wait until it is safe. Raises Stopping where it will not be again."""
        ...


class Unshared:
    """Without a database there is nobody to share with: the state directory's lock is enough."""

    epoch = 0
    safe = True

    async def ready(self) -> None:
        """At once."""
