"""What an answer may be, whichever way it was asked for: how long a header, and nothing to unpack."""

from __future__ import annotations

LONGEST_HEADER = 8190
"""Bytes of one header's value; what most servers allow, too."""
MOST_HEADERS = 100

FIRST_ROOM = 256 * 1024
"""Bytes that are asked for when an answer outgrows its room without saying its length."""

AS_IT_IS = frozenset({"", "identity"})
"""Encodings that leave nothing to unpack; an empty list names none (RFC 9110, 5.6.1 and 8.4)."""

FIRST_FINAL_STATUS = 200
FIRST_STATUS_WITHOUT_CONTENT = 300
"""From here on, redirects and refusals, what counts is said without the body."""
