"""A bounded queue with an end."""

import asyncio

import pytest

from ingestor.kits.channel import Channel, EndOfChannel


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
