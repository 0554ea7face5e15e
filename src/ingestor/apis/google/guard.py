"""The places that tokens may come from: google-auth makes its own connections, and they go through here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from google.auth.transport.requests import Request as TokenRequest
from requests.adapters import HTTPAdapter

from ingestor.errors import AddressRefused
from ingestor.settings import is_loopback

CONNECT_TIMEOUT, ANSWER_TIMEOUT = 5.0, 10.0
"""Seconds for one attempt; tokens come in well under one."""

TOKEN_ORIGINS = frozenset(
    {
        "https://oauth2.googleapis.com",
        "https://accounts.google.com",
        "https://sts.googleapis.com",
        "https://iamcredentials.googleapis.com",
    }
)
"""
For keys and logins; for keys that were made until 2018 and never expire; for workload identity; for
acting as another account.
"""
METADATA_HOSTS = frozenset({"metadata.google.internal", "169.254.169.254"})
"""Asked for tokens on Google's own machines, over plain HTTP that never leaves them."""
METADATA_VARIABLES = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
"""By which whoever runs us tells google-auth of another place to ask, with or without a port."""


def guarded_request() -> TokenRequest:
    """The library's own transport, able to reach these places and loopback only."""
    session = requests.Session()
    # Neither proxies nor netrc: what the environment says must not lead tokens elsewhere.
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Guard())
    return TokenRequest(session)


def metadata_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """Names and addresses, those of IPv6 without their brackets."""
    named = (environment.get(variable, "") for variable in METADATA_VARIABLES)
    return METADATA_HOSTS | {str(urlsplit(f"//{place}").hostname or "") for place in named} - {""}


class _Guard(HTTPAdapter):
    """Refuses other places before connecting; every hop of a redirect passes here."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **given: Any
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        host = str(parts.hostname or "")
        if not (
            f"{parts.scheme}://{parts.netloc}" in TOKEN_ORIGINS
            or is_loopback(host)
            or (parts.scheme == "http" and host in metadata_hosts(os.environ))
        ):
            raise AddressRefused(
                f"Tokens are not asked for at {host[:80]!r}: the Google credentials name a place that "
                "is not Google's.",
                reason="origin",
            )
        given["timeout"] = (CONNECT_TIMEOUT, ANSWER_TIMEOUT)
        return super().send(request, *args, **given)
