"""Much work that is ready at once leaves the loop time for what else is due."""

from __future__ import annotations

import asyncio

from ingestor.kits.fairness import Fair


async def turns_taken(workers: int, *, most: int) -> list[int]:
    """In which turn of the loop each of them was let through."""
    fair, now, let_through = Fair(most), 0, list[int]()

    async def work() -> None:
        await fair.turn()
        let_through.append(now)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
        while len(let_through) < workers:
            await asyncio.sleep(0)
            now += 1
    return let_through


async def test_no_more_than_so_many_are_let_through_in_one_turn() -> None:
    turns = await turns_taken(64, most=16)

    assert max(turns.count(turn) for turn in turns) <= 16
    assert len(turns) == 64


async def test_nobody_waits_while_few_come() -> None:
    assert len(set(await turns_taken(16, most=16))) == 1


async def test_a_later_turn_has_room_again() -> None:
    fair = Fair(1)

    await fair.turn()
    async with asyncio.timeout(60):
        await fair.turn()
