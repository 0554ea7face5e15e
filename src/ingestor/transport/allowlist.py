"""Where this program may go: exact origins, made from the settings, and nothing else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import NamedTuple

from yarl import URL

from ingestor.errors import AddressRefused, SettingsError
from ingestor.transport.values import Request, place

EMBEDDING = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""How a network without IPv4 shows the IPv4 internet (RFC 6052), and how it was once to be tunnelled
(RFC 4291, 2.5.5.1)."""


class Origin(NamedTuple):
    """One place to connect to."""

    secure: bool
    host: str
    port: int

    @classmethod
    def of(cls, url: URL) -> Origin:
        """Raises ValueError for a port that is none."""
        return cls(url.scheme == "https", url.raw_host or "", url.port or 0)

    @property
    def authority(self) -> str:
        """As a URL and the Host header spell it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class AllowList:
    """
    The origins of one upstream. A host that is a name must resolve to public addresses; loopback
    is reached only where an origin says so.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        """Raises SettingsError for an origin that no upstream of ours can have."""
        self._origins = frozenset(_origin(text) for text in origins)
        self._spelled = {
            ("https" if origin.secure else "http", origin.authority): origin
            for origin in self._origins
        }

    def admit(self, url: str) -> URL:
        """Read the URL if it leads to a known origin. Raises AddressRefused."""
        if not usable(url):
            raise AddressRefused(f"{place(url)}: not a usable address", reason="malformed")
        try:
            address = URL(url, encoded=True)
            origin = Origin.of(address)
        except ValueError:
            raise AddressRefused(
                f"{place(url)}: not a usable address", reason="malformed"
            ) from None
        strange = address.scheme not in ("http", "https") or address.raw_user is not None
        if strange or origin not in self._origins:
            raise AddressRefused(
                f"{place(url)}: this address is not one of the configured upstreams",
                reason="not-allowed",
            )
        return address

    def split(self, url: str) -> tuple[Origin, str]:
        """
        An admitted URL's origin, and what is asked of it. Raises AddressRefused.

        Nearly every URL begins as its origin is spelled here, and is then not taken apart.
        """
        scheme, _, rest = url.partition("://")
        authority, slash, target = rest.partition("/")
        origin = self._spelled.get((scheme, authority))
        if origin is not None and slash and usable(target) and "#" not in target:
            return origin, f"/{target}"
        address = self.admit(url)
        return Origin.of(address), address.raw_path_qs

    def knows(self, origin: Origin) -> bool:
        return origin in self._origins


def usable(address: str) -> bool:
    """
    Tell whether an address can be asked for as it is: printable ASCII. A blank or a line break would let
    whoever wrote it (a redirect's sender) write headers of their own.
    """
    return address.isascii() and address.isprintable() and " " not in address


def sendable(text: str) -> bool:
    """Tell whether a text can stand in a header as it is: printable ASCII."""
    return text.isascii() and text.isprintable()


def require_sendable(request: Request) -> None:
    """Raises AddressRefused for a header such as a key that was read with its line break."""
    if not all(map(sendable, request.headers.values())):
        raise AddressRefused(
            f"{place(request.url)}: a header (a key?) has a character that HTTP forbids",
            reason="malformed",
        )


def may_lead_to(host: str, address: str) -> bool:
    """Tell whether a name that is on a list may stand for this address."""
    return is_loopback_address(address) if host == "localhost" else is_public(address)


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the internet at large."""
    try:
        ip = _unwrapped(ipaddress.ip_address(address))
    except ValueError:
        return False
    # Site-local addresses are as private as those that took their place (RFC 3879).
    local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not ip.is_multicast and not local


def is_address(host: str) -> bool:
    """Tell whether a host needs no looking up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback_address(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _origin(text: str) -> Origin:
    try:
        url = URL(text)
        origin = Origin.of(url)
    except ValueError:
        raise SettingsError(f"{text[:80]!r} is not an origin like https://example.com") from None
    host = origin.host
    local = host == "localhost" or is_loopback_address(host)
    strange = url.scheme not in ("http", "https") or url.raw_user is not None
    if not host or not _is_name(host) or strange:
        raise SettingsError(f"{place(text)!r} is not an origin like https://example.com")
    if url.scheme == "http" and not local:
        raise SettingsError(f"{place(text)!r} needs https: plain http is for loopback only")
    if is_address(host) and not (local or is_public(host)):
        raise SettingsError(f"{place(text)!r} is a private address; no upstream lives there")
    return origin


def _is_name(host: str) -> bool:
    """Tell whether a host can be looked up: none of its labels is empty or too long."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address that travels inside an IPv6 one is judged by itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if any(ip in network for network in EMBEDDING):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
