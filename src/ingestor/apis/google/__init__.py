"""
Google's credentials: a key, a token that is renewed in time, or none.

Which they are is chosen in `access`, and `keyfile` says why a file is none; `tokens` keeps one fresh,
`refusals` says what it means when none comes, and `guard` knows the few places that they may come from.
"""

from ingestor.apis.google.access import (
    ANYBODY,
    EMULATOR_OWNER,
    Fixed,
    default_tokens,
    is_emulator,
    open_credentials,
)
from ingestor.apis.google.guard import guarded_request
from ingestor.apis.google.tokens import EARLY, LAST, RENEWALS_APART, Tokens

__all__ = [
    "ANYBODY",
    "EARLY",
    "EMULATOR_OWNER",
    "LAST",
    "RENEWALS_APART",
    "Fixed",
    "Tokens",
    "default_tokens",
    "guarded_request",
    "is_emulator",
    "open_credentials",
]
