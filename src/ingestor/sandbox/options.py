"""What one can choose about a sandbox, and where it can be found afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingestor.sandbox.world import ZOO_PHOTOS

DEFAULT_PORT: Final = 7310
DEFAULT_SEED: Final = 7
LOOPBACK: Final = "127.0.0.1"

IMAGES_PER_MINUTE: Final = 1800
REQUESTS_PER_MINUTE: Final = 1800
"""Vision's default quotas: https://cloud.google.com/vision/quotas"""

SITES: Final = ("flickr", "image", "vision", "database", "google", "control")
"""In the order of their ports, from the base port up."""

OVER_TLS: Final = frozenset({"flickr", "image", "vision", "database"})
"""If asked for. Google's tokens come over plain HTTP on its own machines, and who asks the control
site has no certificates to check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Same seed, same world; same base port, same addresses. Port 0 takes any free ports."""

    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    seed: int = DEFAULT_SEED
    photos: int = ZOO_PHOTOS
    """In the group `zoo`."""

    fast: bool = False
    """Without the latencies of the real services."""

    sketches: bool = False
    """Plain sheets instead of drawings, made in no time: for tests that nobody looks at."""

    sheets: tuple[int, int] | None = None
    """Sheets again, but each with so many bytes, between these two: for measuring."""

    rates: Mapping[str, float] = field(default_factory=dict)
    """Rates of faults and values of knobs from the start."""

    memory: Path | None = None
    """A directory for what must outlive the process: database, bill, key, drawings."""

    images_per_minute: int = IMAGES_PER_MINUTE
    requests_per_minute: int = REQUESTS_PER_MINUTE
    """Vision's quotas; 0 is none."""

    tls: bool = False
    """Where the real services have it, too: with a certificate of an authority of our own."""

    nginx: bool = False
    """Sheets served by nginx, for measuring: without faults and latencies."""

    def __post_init__(self) -> None:
        if self.nginx and (self.sheets is None or self.sheets[0] != self.sheets[1]):
            raise ValueError("nginx serves one sheet for all: it needs --sheets with one size")
        if self.nginx and any(name.startswith("image.") for name in self.rates):
            raise ValueError("nginx serves pictures without faults")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Everything a client needs to use the sandbox instead of the real services."""

    flickr_url: str
    image_url: str
    vision_url: str
    database_url: str
    token_url: str
    metadata_host: str
    control_url: str
    flickr_key: str
    google_key: str
    service_account_file: str
    authority_file: str | None
    """Whom to trust, where the sites speak TLS; OpenSSL takes it as SSL_CERT_FILE."""

    def settings(self) -> dict[str, str]:
        """The environment that makes ingestor use the sandbox."""
        return {
            "INGESTOR_FLICKR_URL": self.flickr_url,
            "INGESTOR_IMAGE_URL": self.image_url,
            "INGESTOR_VISION_URL": self.vision_url,
            "FIREBASE_DATABASE_URL": self.database_url,
            "FLICKR_API_KEY": self.flickr_key,
            "GOOGLE_API_KEY": self.google_key,
            **self._trust(),
        }

    def _trust(self) -> dict[str, str]:
        """Over TLS: whom to believe, and a token's source, for the database is no emulator's then."""
        if self.authority_file is None:
            return {}
        return {
            "SSL_CERT_FILE": self.authority_file,
            "GOOGLE_APPLICATION_CREDENTIALS": self.service_account_file,
        }
