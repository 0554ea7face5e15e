"""A share of the campaign over connections, and what the pipes below it owe to both ends."""

from __future__ import annotations

import asyncio
import random
from contextvars import copy_context

import pytest

from tests.simulation.loop import Loop
from tests.simulation.mutants import planted
from tests.simulation.pipes import Cut, Kind, Route, joined
from tests.simulation.timeline import timeline
from tests.simulation.wire import live_on_the_wire, scenario_of

pytestmark = pytest.mark.usefixtures("memory_of_the_dead")

TOGETHER = 5
"""Seeds in one test: fine enough to be spread over cores."""
SHARE = 20


@pytest.mark.parametrize("first", range(0, SHARE, TOGETHER))
def test_every_schedule_over_connections_keeps_the_invariants(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        verdict = live_on_the_wire(scenario_of(seed))

        assert verdict.ok, timeline(verdict)


def test_answers_that_never_come_are_waited_for_to_the_end() -> None:
    verdict = live_on_the_wire(scenario_of(23831))

    assert verdict.ok, timeline(verdict)


@pytest.mark.parametrize("seed", [3, 7, 23800])
def test_the_same_seed_leaves_the_same_trace_over_connections(seed: int) -> None:
    traces = {live_on_the_wire(scenario_of(seed)).trace for _ in range(2)}

    assert len(traces) == 1


@pytest.mark.parametrize(
    ("mistake", "seeds"),
    [
        ("result-journaled-after-storing", range(3)),
        ("intent-not-written", range(3)),
        ("answers-mixed-up", range(3)),
        ("no-quota", range(27, 31)),
    ],
)
def test_a_planted_mistake_is_noticed_over_connections(mistake: str, seeds: range) -> None:
    with planted(mistake):
        noticed = any(not live_on_the_wire(scenario_of(seed)).ok for seed in seeds)

    assert noticed


class Listener(asyncio.Protocol):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.end: Exception | str = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.end = exc or "closed"


def sent(content: bytes, *, torn: float = 1.0, cut: Cut | None = None) -> tuple[Listener, Listener]:
    """Send it upward in three writes, close, and wait; returns (client, server)."""
    client, server = Listener(), Listener()
    loop = Loop(start=0.0, crash_at=None, latency=lambda: 0.0)
    route = Route(dice=random.Random(1), seconds=0.01, torn=torn, held_up=1.0, cut=cut)

    async def send() -> None:
        joined(client, server, loop=loop, route=route, contexts=(copy_context(), copy_context()))
        third = len(content) // 3
        for piece in (content[:third], content[third : 2 * third], content[2 * third :]):
            client.transport.write(piece)
        client.transport.close()
        await asyncio.sleep(10)

    loop.run(send())
    return client, server


def test_what_is_sent_in_pieces_arrives_whole_and_in_order() -> None:
    content = random.Random(1).randbytes(10_000)

    _, server = sent(content)

    assert (server.heard, server.end) == (content, "closed")


@pytest.mark.parametrize(
    ("kind", "ends"),
    [("reset", "ConnectionResetError"), ("closed", "str"), ("silent", "str")],
)
def test_a_connection_is_cut_at_its_byte(kind: Kind, ends: str) -> None:
    content = random.Random(1).randbytes(10_000)

    _, server = sent(content, cut=Cut(kind=kind, upward=True, after=4_321))

    assert server.heard == content[:4_321]
    assert type(server.end).__name__ == ends
    assert (server.end == "") == (kind == "silent")
