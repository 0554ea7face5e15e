"""What must never be shown, and how a text loses it: known secret values and telling patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

HIDDEN: Final = "***"

SHORTEST_SECRET: Final = 6
"""A shorter value is no secret, and hiding it would make every text unreadable."""

SECRET_VARIABLES: Final = ("FLICKR_API_KEY", "GOOGLE_API_KEY")

PATTERNS: Final = re.compile(
    r"(?P<name>\b(?:api_key|access_token|refresh_token|auth_token|client_secret|auth|key)=)"
    r"[^&\s\"'<>]+"
    r"|(?P<scheme>\b(?:Bearer|x-goog-api-key:?)\s+)[\w.~+/=-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""How keys look in URLs, headers and key files, whoever's they are."""


class Redaction:
    """Knows the secrets of this process; grows while settings are read."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._secrets: list[str] = []
        for name in SECRET_VARIABLES:
            self.learn(environment.get(name, ""))

    def learn(self, secret: str) -> None:
        """Hide this value from now on, in its URL-quoted form as well."""
        if len(secret) >= SHORTEST_SECRET:
            forms = {secret, quote(secret, safe="")} - set(self._secrets)
            # The longest first: a secret may begin with another one.
            self._secrets = sorted((*self._secrets, *forms), key=len, reverse=True)

    def learn_from(self, settings: object) -> None:
        """Learn every value that the settings themselves would not print."""
        for value in vars(settings).values():
            reveal = getattr(value, "get_secret_value", None)
            if reveal is not None:
                self.learn(reveal())

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return PATTERNS.sub(_keep_the_name, text)

    def value(self, value: Any) -> Any:
        """The same for whatever a log line may carry: only texts are looked into."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.value(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))


def _keep_the_name(found: re.Match[str]) -> str:
    return (found["name"] or found["scheme"] or "") + HIDDEN
