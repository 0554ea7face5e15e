"""
One buyer for each group, whatever the number of machines: leases in the database.

A lease is written on a condition (ETag, if-match), so of two who take it one is told. Its holder
renews it by the loop's clock and buys only while, by that and by the wall's, the longest paid call would
still end in time; one who finds it in other hands stops buying. What a dead run of this journal held in
this state directory is ours at once: the lock on it says that it is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from ingestor import events
from ingestor.apis.rtdb import Conflict
from ingestor.apis.vision import PAID_DEADLINE
from ingestor.errors import IngestorError, Rejected, RunStopped, reason_of
from ingestor.journal import claims
from ingestor.journal.writer import Journal
from ingestor.kits.amounts import moment
from ingestor.kits.beside import beside
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.records import unescape
from ingestor.records.leases import SKEW, Lease, lease_path, lease_record, read_lease

T = TypeVar("T")
Seen = dict[str, tuple[str, float]]
"""By group, how its lease was found last: its ETag, and since when it has that (the loop's time)."""

MARGIN: Final = 30.0
"""Seconds beyond the longest paid call: for what lies between looking at the clock and sending."""
LASTING: Final = 1.5 * (PAID_DEADLINE + 4 * MARGIN)
"""Seconds, 18 minutes: at two thirds of them, when it is renewed, there is room for the longest paid
call and for a database that fails for a minute and a half."""
LOOK_AGAIN: Final = 10.0
"""Seconds between two looks at a lease that is waited for."""
PAUSE: Final = 1.0
"""Seconds between two looks at our own while it is too short to buy."""
MOST_REFUSALS: Final = 3
"""Times that the database may reject what is asked about a lease before we believe it."""
GIVING_BACK: Final = 0.5
"""Seconds, when the run was told to stop; with drain and report under ten in all."""


class Database(Protocol):
    """What is needed of the database; see `services.PoliteDatabase`."""

    async def read_with_etag(self, path: str) -> tuple[Any, str]: ...

    async def write_if(self, path: str, value: Any, *, etag: str) -> Conflict | None: ...


class Reader(Protocol):
    async def read(self, path: str) -> Any: ...


async def held_by_others(database: Reader, journal: Journal) -> set[str]:
    """Ids of the groups whose lease is by a name under which no run of this journal took it."""
    return set(await _leases_of_others(database, journal))


async def taken_by_others(database: Reader, journal: Journal) -> list[str]:
    """Those of them that others have had since this journal had them last."""
    leases = await _leases_of_others(database, journal)
    return await journal.read(
        lambda db: [
            group for group, lease in leases.items() if not claims.is_behind_ours(db, group, lease)
        ]
    )


async def _leases_of_others(database: Reader, journal: Journal) -> dict[str, Lease]:
    leases = await database.read("leases")
    if not isinstance(leases, dict):
        return {}
    found = {
        unescape(key): lease for key, record in leases.items() if (lease := read_lease(record))
    }
    return await journal.read(
        lambda db: {
            group: lease
            for group, lease in found.items()
            if not claims.is_ours(db, group, lease, place=journal.place)
        }
    )


@asynccontextmanager
async def leased(
    database: Database | None, make: Callable[[Database], Leases]
) -> AsyncIterator[Leases | None]:
    """Hold leases in the block; without a database there is nothing to hold."""
    if database is None:
        yield None
        return
    leases = make(database)
    async with leases.held():
        yield leases


class Leases:
    """Those of one run, over `groups`, which are names by id. A Claim while `held`."""

    def __init__(
        self,
        database: Database,
        *,
        journal: Journal,
        owner: str,
        groups: Mapping[str, str],
        wait: bool,
        lifetime: Lifetime,
        wall: Callable[[], float],
        listen: events.Listener = events.ignore,
        seen: Seen | None = None,
    ) -> None:
        """
        `owner` is new with every run, and says to people where it is. `seen` is handed on from run to
        run where none of them waits.
        """
        self._database = database
        self._journal = journal
        self._owner = owner
        self._groups = groups
        self._wait = wait
        self._lifetime = lifetime
        self._clock = lifetime.clock
        self._wall = wall
        self._listen = listen
        self._seen: Seen = {} if seen is None else seen
        self._held: dict[str, Lease] = {}
        self._ends: dict[str, float] = {}
        """By group, the loop's time: counted from before the request that wrote it was sent."""
        self._renewal: asyncio.Task[None] | None = None
        self._renew_now = asyncio.Event()
        self.others_worked = False
        """Whether somebody else held one of them since this journal did."""

    @property
    def epoch(self) -> int:
        """The highest of the groups'."""
        return max((lease.epoch for lease in self._held.values()), default=0)

    @property
    def safe(self) -> bool:
        """
        By both clocks: the loop's stands still while a machine is suspended, and others judge our
        lease by the wall's, which somebody may set.
        """
        left = min(self._ends.values(), default=0.0) - self._clock()
        told = min((lease.until for lease in self._held.values()), default=0.0) - self._wall()
        return min(left, told) > PAID_DEADLINE + MARGIN

    async def ready(self) -> None:
        while not self.safe:
            if self._renewal is not None and self._renewal.done():
                self._renewal.result()
            self._renew_now.set()
            await self._lifetime.rest(PAUSE)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """
        Hold all leases in the block. Raises RunStopped where somebody else has one of them; with
        `wait`, waits for it, and keeps those that it has. In the block, one that is lost stops the run.
        """
        try:
            async with beside(self._renew_now_and_then(), name="leases") as self._renewal:
                await self._take_all_unless_stopping()
                yield
        finally:
            await self._give_back()

    async def _take_all_unless_stopping(self) -> None:
        try:
            await self._lifetime.unless_stopping(self._take_all())
        except Stopping:
            # One that was lost while another was waited for: nothing has begun that could report it.
            if self._lifetime.error is not None:
                raise self._lifetime.error from None
            raise

    async def _take_all(self) -> None:
        # In one order for everybody: two that want the same groups never wait for each other.
        for group in sorted(self._groups):
            await self._take(group)

    async def _take(self, group: str) -> None:
        while True:
            holder, etag = await self._look_at(group)
            others = holder is not None and not await self._is_ours(group, holder)
            # Whatever clocks say: who is alive renews.
            silent = self._clock() - self._seen_since(group, etag) > LASTING
            if holder is None or not others or silent or self._wall() > holder.until + SKEW:
                epoch = holder.epoch + 1 if holder else 1
                if await self._take_over(group, epoch=epoch, etag=etag, others=others):
                    return
            elif self._wait:
                await self._wait_for(group, holder)
            else:
                raise RunStopped(
                    _held_by(self._groups[group], holder),
                    reason="lease",
                    then="Wait for it, stop it, or add --wait.",
                )

    def _seen_since(self, group: str, etag: str) -> float:
        if group not in self._seen or self._seen[group][0] != etag:
            self._seen[group] = etag, self._clock()
        return self._seen[group][1]

    async def _look_at(self, group: str) -> tuple[Lease | None, str]:
        """A group's lease as it stands, and its ETag."""
        value, etag = await self._insist(lambda: self._database.read_with_etag(lease_path(group)))
        return read_lease(value), etag

    async def _is_ours(self, group: str, holder: Lease) -> bool:
        """Whether a run of this journal left it behind."""
        ours = partial(claims.is_ours, group=group, lease=holder, place=self._journal.place)
        return await self._journal.read(ours)

    async def _take_over(self, group: str, *, epoch: int, etag: str, others: bool) -> bool:
        """Take what is free; False where somebody was quicker. `others`: it was not ours before."""
        lease = self._lease(epoch=epoch)
        # First the name that we will know it by again, then the lease.
        await self._journal.write(
            partial(
                claims.add,
                group=group,
                lease=lease,
                place=self._journal.place,
                after_others=others,
            )
        )
        if not await self._write(group, lease, etag=etag):
            return False
        self.others_worked |= others
        await self._journal.write(partial(claims.keep, group=group, lease=lease))
        return True

    async def _wait_for(self, group: str, lease: Lease) -> None:
        self._listen(events.LeaseAwaited(group=group, owner=lease.owner, until=lease.until))
        await self._lifetime.rest(LOOK_AGAIN)

    async def _renew_now_and_then(self) -> None:
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LASTING / 3):
                        await self._renew_now.wait()
                self._renew_now.clear()
                for group, lease in tuple(self._held.items()):
                    await self._renew(group, lease)
        except Stopping:
            pass
        except IngestorError as error:
            self._lifetime.stop(reason_of(error), error)

    async def _renew(self, group: str, held: Lease) -> None:
        found, etag = await self._look_at(group)
        lease = self._lease(epoch=held.epoch, since=held.since)
        if not _same(found, held) or not await self._write_again(group, lease, etag=etag):
            self._ends[group] = float("-inf")
            raise RunStopped(
                f"The lease on {self._groups[group]} was lost to somebody else, so nothing more was "
                "bought.",
                reason="lease-lost",
                then="Everything bought is saved; run the same command again later.",
            )

    async def _write_again(self, group: str, lease: Lease, *, etag: str) -> bool:
        await self._journal.write(partial(claims.renew, group=group, lease=lease))
        return await self._write(group, lease, etag=etag)

    async def _write(self, group: str, lease: Lease, *, etag: str) -> bool:
        """Write a lease on its condition; a conflict with ourselves is a repeat of our own."""
        asked, path, record = self._clock(), lease_path(group), lease_record(lease)
        conflict = await self._insist(lambda: self._database.write_if(path, record, etag=etag))
        if conflict is not None and not _same(read_lease(conflict.value), lease):
            return False
        self._held[group], self._ends[group] = lease, asked + LASTING
        return True

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Four small values cannot be wrong now and right later: a rejection is the database's."""
        for _ in range(MOST_REFUSALS - 1):
            with contextlib.suppress(Rejected):
                return await ask()
            await self._lifetime.rest(PAUSE)
        return await ask()

    async def _give_back(self) -> None:
        """A courtesy: what is not given back ends by itself."""
        patience = GIVING_BACK if self._lifetime.stopping else LOOK_AGAIN
        with contextlib.suppress(IngestorError, Stopping, TimeoutError):
            async with asyncio.timeout(patience):
                for group, held in self._held.items():
                    value, etag = await self._database.read_with_etag(lease_path(group))
                    if _same(read_lease(value), held):
                        record = lease_record(replace(held, until=0.0))
                        await self._database.write_if(lease_path(group), record, etag=etag)

    def _lease(self, *, epoch: int, since: float | None = None) -> Lease:
        # In milliseconds, as it is read again: what is one later than we know of is no lease of ours.
        now = round(self._wall(), 3)
        return Lease(owner=self._owner, epoch=epoch, since=since or now, until=now + LASTING)


def _same(found: Lease | None, lease: Lease) -> bool:
    return found is not None and (found.owner, found.epoch) == (lease.owner, lease.epoch)


def _held_by(name: str, lease: Lease) -> str:
    return (
        f"{name} is being worked on by {lease.owner}, since {moment(lease.since)}; its lease ends at "
        f"{moment(lease.until)} unless it is renewed."
    )
