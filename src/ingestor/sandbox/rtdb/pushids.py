"""
Push ids: keys that the database makes up so that later ones sort behind earlier ones.

Eight characters of time in milliseconds, twelve of chance; see
https://firebase.blog/posts/2015/02/the-2120-ways-to-ensure-unique_68/
"""

import random
from typing import Final

ALPHABET: Final = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
TIME_CHARACTERS: Final = 8
CHANCE_CHARACTERS: Final = 12
CHANCE_RANGE: Final = len(ALPHABET) ** CHANCE_CHARACTERS


class PushIds:
    """Makes ids that grow, also within one millisecond."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"push:{seed}")
        self._last = -1
        self._chance = 0

    def next(self, now: int) -> str:
        """A new id for the moment `now`, in milliseconds."""
        if now > self._last:
            self._chance = self._random.randrange(CHANCE_RANGE)
        else:
            # The clock may step back; ids do not.
            self._chance = (self._chance + 1) % CHANCE_RANGE
        self._last = max(now, self._last)
        return spelt(self._last, TIME_CHARACTERS) + spelt(self._chance, CHANCE_CHARACTERS)


def spelt(number: int, characters: int) -> str:
    """The number in base 64, most significant first, cut to so many characters."""
    digits = []
    for _ in range(characters):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
