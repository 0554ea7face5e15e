"""A listener that fails is told nothing more, and its error is what its program gets to see."""

from __future__ import annotations

import pytest

from ingestor.engines.hearing import heard
from ingestor.events import BuyingResumed, Event
from ingestor.kits.lifetime import Lifetime, Stopping

pytestmark = pytest.mark.looptime

NEWS = BuyingResumed(reason="billing")


class Failing:
    """Raises at whatever it is told."""

    def __init__(self) -> None:
        self.told = 0

    def __call__(self, _event: Event) -> None:
        self.told += 1
        raise LookupError(f"at news {self.told}")


def tell_twice(listener: Failing, lifetime: Lifetime) -> None:
    with heard(listener, lifetime) as tell:
        tell(NEWS)
        tell(NEWS)


def stop_before_it_begins(listener: Failing, lifetime: Lifetime) -> None:
    with heard(listener, lifetime) as tell:
        tell(NEWS)
        raise Stopping


async def test_who_fails_is_told_nothing_more() -> None:
    lifetime, listener = Lifetime(drain=8.0), Failing()

    with pytest.raises(LookupError, match="at news 1"):
        tell_twice(listener, lifetime)

    lifetime.close()
    assert (listener.told, lifetime.reason) == (1, "listener")


async def test_its_error_is_told_where_the_run_had_not_begun() -> None:
    lifetime = Lifetime(drain=8.0)

    with pytest.raises(LookupError):
        stop_before_it_begins(Failing(), lifetime)

    lifetime.close()


async def test_who_stops_a_run_is_told_of_no_listener() -> None:
    with pytest.raises(Stopping), heard(lambda _event: None, Lifetime(drain=8.0)):
        raise Stopping
