"""What must hold before the first byte leaves: a patched HTTP library, and TLS that verifies."""

from __future__ import annotations

import ssl

import aiohttp
from aiohttp import http_parser

from ingestor.errors import SettingsError

SAFE_AIOHTTP = (3, 14, 4)
"""Older ones are kept busy for ever by thousands of empty gzip members (CVE-2026-128131)."""


def require_safe_http(version: str = aiohttp.__version__, *, compiled: bool | None = None) -> None:
    """Raises SettingsError when the installed aiohttp is too old, or runs without its C parser."""
    if _numbers(version) < SAFE_AIOHTTP:
        wanted = ".".join(map(str, SAFE_AIOHTTP))
        raise SettingsError(
            f"aiohttp {version} has known holes: install {wanted} or newer"
            f' (pip install "aiohttp>={wanted}").'
        )
    if not (_is_compiled() if compiled is None else compiled):
        raise SettingsError(
            "aiohttp runs without its C extensions, whose parser is the stricter one:"
            " unset AIOHTTP_NO_EXTENSIONS, or install aiohttp from a wheel."
        )


def verifying(tls: ssl.SSLContext | None) -> ssl.SSLContext:
    """Take the given context or the system's trust; raises SettingsError if it trusts anybody."""
    context = tls or ssl.create_default_context()
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise SettingsError("TLS certificates are always verified; this context does not.")
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _numbers(version: str) -> tuple[int, ...]:
    """Read "3.14.5rc1" as (3, 14, 5): a candidate of a safe release has its patches."""
    parts = version.split(".")[:3]
    return tuple(int("".join(filter(str.isdigit, part[:3])) or 0) for part in parts)


def _is_compiled() -> bool:
    return http_parser.HttpResponseParser is not http_parser.HttpResponseParserPy
