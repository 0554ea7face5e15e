"""Where things lie on this machine, left out of what strangers are told of a run or a worker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

PLACE: Final = re.compile(r"(?<=')/[^']+|(?<=\")/[^\"]+|(?<![^\s(:=])/(?=[^\s/])[^\s'\",;()]+")
"""A path in a sentence, quoted or bare; not the slash between two words, nor those of a URL."""
SOMEWHERE: Final = "…"


def discreet(told: Any) -> Any:
    """The same without paths, whatever it is made of."""
    match told:
        case str():
            return PLACE.sub(SOMEWHERE, told)
        case Mapping():
            return {name: discreet(value) for name, value in told.items()}
        case list() | tuple():
            return [discreet(value) for value in told]
        case _:
            return told
