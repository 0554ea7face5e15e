"""What an error in a group's turn means for the worker."""

from __future__ import annotations

from enum import Enum
from typing import Final

from ingestor.errors import Denied, JournalError, RunStopped, SettingsError, Unauthorized
from ingestor.services import OF_THE_GROUP

CEILINGS: Final = ("max-units-per-day", "max-units-per-month")
"""Ends of a run that a person has asked for."""
REFUSALS: Final = frozenset({"daily-quota", "disk-full"})
"""Ends of a run that every other group's would come to as well, for hours."""
IMAGES_REFUSED: Final = "vision-refuses"
"""End of a run all whose images Vision refuses."""


class Trouble(Enum):
    """From the harmless to the fatal."""

    WEATHER = "weather"
    """It passes: this group again later."""
    PURSE = "purse"
    """The units of the day or the month are spent: nothing is bought until tomorrow, by UTC."""
    LOST = "lost"
    """The group is gone, or closed to us: it is said, and looked for once a day."""
    HALT = "halt"
    """Credentials, billing, rules, Google's quota of the day, a disk without room: nothing is bought for
    any group, but for a probe now and then."""
    IMAGES = "images"
    """Vision refused image after image. Of one group alone it is its images, and they are tried later; of
    several it is Vision, and a HALT, until one of the others proves that it is not."""
    FATAL = "fatal"
    """Without a journal there is no worker."""


def trouble_of(error: BaseException) -> Trouble:
    match error:
        case JournalError():
            return Trouble.FATAL
        case Denied(upstream="flickr", reason=reason) if reason in OF_THE_GROUP:
            return Trouble.LOST
        case Denied() | Unauthorized() | SettingsError():
            return Trouble.HALT
        case RunStopped(reason=reason) if reason in CEILINGS:
            return Trouble.PURSE
        case RunStopped(reason=reason) if reason == IMAGES_REFUSED:
            return Trouble.IMAGES
        case RunStopped(reason=reason) if reason in REFUSALS:
            return Trouble.HALT
        case _:
            return Trouble.WEATHER
