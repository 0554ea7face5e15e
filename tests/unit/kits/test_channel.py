"""A bounded queue with an end."""

import asyncio

import pytest

from ingestor.kits.channel import Channel, EndOfChannel

# Who waits in vain is told at once, however busy the machine is.
pytestmark = pytest.mark.looptime


async def test_what_is_sent_arrives_in_order():
    channel: Channel[int] = Channel(3)

    async with channel:
        for number in range(3):
            await channel.send(number)

    assert [number async for number in channel] == [0, 1, 2]


async def test_a_full_channel_holds_the_sender_back():
    channel: Channel[int] = Channel(1)
    await channel.send(1)

    sending = asyncio.create_task(channel.send(2))
    await asyncio.sleep(0)
    held_back = not sending.done()
    received = await channel.receive()
    await sending

    assert (held_back, received, await channel.receive()) == (True, 1, 2)


async def test_every_reader_hears_the_end():
    channel: Channel[int] = Channel(1)
    readers = [asyncio.create_task(channel.receive()) for _ in range(3)]
    await asyncio.sleep(0)

    channel.close()
    outcomes = await asyncio.gather(*readers, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [EndOfChannel] * 3


async def test_sending_into_a_closed_channel_is_a_bug():
    channel: Channel[int] = Channel(1)
    channel.close()

    with pytest.raises(RuntimeError):
        await channel.send(1)


async def test_a_cancelled_reader_passes_its_wakeup_on():
    channel: Channel[int] = Channel(2)
    first, second = (asyncio.create_task(channel.receive()) for _ in range(2))
    await asyncio.sleep(0)

    await channel.send(7)
    first.cancel()
    outcome = await asyncio.wait_for(second, 1)

    assert outcome == 7
    assert first.cancelled()


async def test_a_cancelled_sender_leaves_room_for_the_next():
    channel: Channel[int] = Channel(1)
    await channel.send(0)
    first, second = (asyncio.create_task(channel.send(number)) for number in (1, 2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.sleep(0)
    taken = [await channel.receive()]
    await second
    taken.append(await channel.receive())

    assert taken == [0, 2]


async def test_what_is_sent_together_waits_for_room_and_keeps_its_order():
    channel: Channel[int] = Channel(2)

    async with asyncio.TaskGroup() as group:
        sending = group.create_task(channel.send_all([1, 2, 3, 4, 5]))
        await asyncio.sleep(0)
        held = (len(channel), sending.done())
        received = [await channel.receive() for _ in range(5)]

    assert (held, received) == ((2, False), [1, 2, 3, 4, 5])


async def test_every_reader_gets_some_of_what_was_sent_together():
    channel: Channel[int] = Channel(3)
    readers = [asyncio.create_task(channel.receive()) for _ in range(3)]
    await asyncio.sleep(0)

    await channel.send_all([1, 2, 3])

    assert sorted(await asyncio.wait_for(asyncio.gather(*readers), 1)) == [1, 2, 3]


async def test_taking_some_makes_room_for_all_who_wait():
    channel: Channel[int] = Channel(2)
    await channel.send_all([1, 2])
    senders = [asyncio.create_task(channel.send(number)) for number in (3, 4)]
    await asyncio.sleep(0)

    some = await channel.receive_some(5)
    await asyncio.wait_for(asyncio.gather(*senders), 1)

    assert (some, await channel.receive_some(1), len(channel)) == ([1, 2], [3], 1)


async def test_who_takes_some_hears_the_end():
    channel: Channel[int] = Channel(2)
    await channel.send(1)
    channel.close()

    last = await channel.receive_some(5)

    assert last == [1]
    with pytest.raises(EndOfChannel):
        await channel.receive_some(5)
