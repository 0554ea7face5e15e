"""
Every knob, grouped by the room that turns it; read once, passed down, never a global.

The command line's flags win over the environment, the environment over the defaults below. Secrets
come from the environment or from files, never from flags.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Container
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ingestor.errors import SettingsError
from ingestor.models import FeatureSet

MEGABYTE = 1_000_000
MOST_IN_FLIGHT = 64
"""Paid requests at once, whatever the quota: each one is 16 images in doubt if we die."""
MOST_ANYTHING = 2**63 - 1
"""SQLite has no larger whole numbers."""
MOST_TO_MULTIPLY = 10**12
"""Of dollars and megabytes, whose units and bytes have to be whole numbers of 64 bits as well."""
MOST_LABELS = 50
"""Vision gives fewer than that for nearly every picture; asking for more brings nothing."""

EMULATED = "ingestor"
"""The emulator's namespace where no database is named."""

GROUP_NAME = re.compile(r"\d+@N\d{2}|[\w-]{1,100}")
GROUP_URL = re.compile(
    r"(?i:(?:https?://)?(?:www\.|m\.)?flickr\.com)/groups/([^/?#]+)(?:[/?#]\S*)?"
)
"""That of any page below a group's: whoever copies one takes it from where he is."""

HOST_NAME = re.compile(r"[^\s.]{1,63}(?:\.[^\s.]{1,63})*\.?")
CREDENTIALS_IN_URLS = frozenset({"access_token", "api_key", "auth", "key"})
"""Parameters by which Firebase, Google and Flickr take a key, and which we send nobody."""
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
WRONG = MappingProxyType(
    {
        "int_parsing": "{given} is not a whole number",
        "float_parsing": "{given} is not a number",
        "bool_parsing": "{given} is neither true nor false",
        "literal_error": "{given} is not one of {expected}",
        "finite_number": "{bare} is not possible, it must be finite",
        "greater_than": "{bare} is not possible, it must be more than {gt:g}",
        "greater_than_equal": "{bare} is not possible, it must be at least {ge:g}",
        "less_than_equal": "{bare} is not possible, it must be at most {le:g}",
    }
)
"""What pydantic finds wrong with a number or a word, by its own name for it, as a person says it."""

SECONDS = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86_400})


def _split_commas(value: object) -> object:
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, tuple):
        return value
    return tuple(part.strip() for text in texts for part in str(text).split(","))


def _share_or_number(value: object) -> object:
    """Read "20%" as 0.2 and "50" as 50: a share of the photos that needed work, or a count of photos."""
    allowance = _read_allowance(value) if isinstance(value, str) else value
    if not isinstance(allowance, int | float):
        return value
    if not allowance >= 0 or (isinstance(allowance, float) and not allowance <= 1):
        raise ValueError(f"{value!r} is neither a count like 50 nor a share like 20%")
    return allowance


def _read_allowance(text: str) -> float | int:
    """-1 where it is none."""
    text = text.strip()
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else int(text)
    except ValueError:
        return -1


def _seconds(value: object) -> object:
    """Read "90s", "15m", "12h" or "1d"; without a unit, "1" is a mistake more often than a second."""
    if not isinstance(value, str):
        return value
    if not (match := DURATION.fullmatch(value.strip())):
        raise ValueError(f"{value[:80]!r} is not a time like 90s, 15m or 2h")
    return float(match[1]) * SECONDS[match[2]]


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Groups = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]
Allowance = Annotated[float | int, BeforeValidator(_share_or_number)]


class Settings(BaseSettings):
    """What a run, a worker or a search needs to know; a value that nobody changes."""

    model_config = SettingsConfigDict(
        env_prefix="INGESTOR_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
    )

    # What to ingest
    groups: Groups = Field(default=(), validation_alias="INGESTOR_GROUP")
    """NSIDs or group URLs; a bare word is the group's alias in its URL, and what is kept of one."""
    limit: int | None = Field(default=None, ge=1)
    """Photos considered in all, the known ones among them; None: all there are."""
    sandbox: bool = False
    state: Path = Path(".ingestor")
    """Holds the journal. One run at a time works on it."""
    wait: bool = False
    """Wait for a group that another machine is working on, instead of leaving."""
    reannotate: bool = False
    """Buy again what was annotated with other features than the ones asked for now."""

    # What to ask of Vision
    max_labels: int = Field(default=10, ge=1, le=MOST_LABELS)
    safe_search: bool = False
    """Asked for beside labels it costs nothing."""

    # How fast
    images_per_minute: int = Field(default=1800, ge=16)
    """The project's label quota: Google counts images (https://cloud.google.com/vision/quotas)."""
    requests_per_minute: int = Field(default=1800, ge=1)
    flickr_calls_per_hour: int = Field(default=3600, ge=60)
    """Per key, over all machines (https://www.flickr.com/services/developer/api/)."""
    max_in_flight: int | None = Field(default=None, ge=1, le=MOST_IN_FLIGHT)
    """Paid requests at once; None: as many as quota and measured latency need."""
    max_downloads: int = Field(default=64, ge=1, le=512)
    """Ceiling of the adaptive download concurrency."""
    max_memory: int = Field(default=256, ge=32, le=MOST_TO_MULTIPLY)
    """Megabytes of image bytes held at once."""

    # When to stop
    disk_reserve: int = Field(default=64, ge=0)
    """Megabytes kept free for paid answers in flight when the disk is full; 0: none."""
    drain: float = Field(default=8.0, ge=0)
    """Seconds that paid calls in flight are awaited after a signal."""
    patience: float = Field(default=120.0, gt=0)
    """Seconds that one upstream may fail without a break, or ask us to wait, before the run stops."""
    max_units: int | None = Field(default=None, ge=0)
    max_cost: float | None = Field(default=None, ge=0, le=MOST_TO_MULTIPLY, allow_inf_nan=False)
    """USD, the free tier counted."""
    max_units_per_day: int | None = Field(default=None, ge=0)
    max_units_per_month: int | None = Field(default=None, ge=0)
    """Of the calendar's days and months, UTC; whatever is bought in this state directory counts."""
    max_failures: Allowance = 0.2
    """A share (float) or a number (int) of failed photos above which the run says so: exit 4."""
    in_doubt: Literal["retry", "park"] = "retry"
    doubt_share: float = Field(default=0.0005, ge=0, le=1)
    """
    Of the images bought, how many may be bought again in doubt, beyond a first batch; above it they
    are parked. With this default a run of 32,000 photos or more buys at most one in a thousand
    again, however many answers are lost.
    """

    # How a worker follows its groups
    groups_file: Path | None = None
    """More groups, one a line; may change while the worker runs."""
    every: Duration = 900.0
    """Seconds between two looks at a group."""
    recheck: Duration = 12 * 3600.0
    """Seconds within which every page of a pool is read again, for photos that have left it."""
    eyes: str = "127.0.0.1:9464"
    """Host and port of /livez, /readyz and /metrics; "off" for none."""
    traces: bool = False
    """One trace for each batch, sent to where OpenTelemetry's own variables say."""

    # How it runs and speaks
    engine: Literal["local", "ray"] = "local"
    dry_run: bool = False
    report: Literal["text", "json"] = Field(default="text")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] | None = None
    """None: text on a terminal, JSON elsewhere."""

    # Whom to talk to
    flickr_api_key: SecretStr | None = Field(default=None, validation_alias="FLICKR_API_KEY")
    google_api_key: SecretStr | None = Field(default=None, validation_alias="GOOGLE_API_KEY")
    database_url: str | None = Field(default=None, validation_alias="FIREBASE_DATABASE_URL")
    emulator_host: str | None = Field(
        default=None, validation_alias="FIREBASE_DATABASE_EMULATOR_HOST"
    )
    flickr_url: str = "https://api.flickr.com/services/rest/"
    image_url: str = "https://live.staticflickr.com"
    """The one origin that images may come from."""
    vision_url: str = "https://vision.googleapis.com"

    @field_validator("groups")
    @classmethod
    def _groups_look_like_groups(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for group in groups:
            if not group_in(group):
                raise ValueError(
                    f"{group[:80]!r} is neither a group id (12345678@N00) nor a group's URL, such as "
                    "https://www.flickr.com/groups/NAME/"
                )
        return tuple(dict.fromkeys(map(group_in, groups)))

    @field_validator("*")
    @classmethod
    def _numbers_fit(cls, value: object) -> object:
        if isinstance(value, int) and value > MOST_ANYTHING:
            raise ValueError(f"{value} is not possible, it must be at most {MOST_ANYTHING}")
        return value

    @field_validator("state", "groups_file")
    @classmethod
    def _homes_are_found(cls, path: Path | None) -> Path | None:
        """Shells leave a tilde behind a flag's `=` as it is, and nobody else would read it."""
        if path is None:
            return None
        try:
            return path.expanduser()
        except RuntimeError:
            raise ValueError(f"{path.parts[0]!r} is nobody's home directory") from None

    @field_validator("flickr_api_key", "google_api_key")
    @classmethod
    def _keys_can_be_sent(cls, key: SecretStr | None) -> SecretStr | None:
        """Keys come out of files, with a line break that no request can carry."""
        text = key.get_secret_value().strip() if key else ""
        if " " in text:
            raise ValueError("there is a blank in it, which no key has")
        if not (text.isascii() and text.isprintable()):
            raise ValueError("there is a character in it that no key has")
        return SecretStr(text) if text else None

    @field_validator("flickr_url", "image_url", "vision_url")
    @classmethod
    def _urls_are_safe(cls, url: str) -> str:
        return safe_url(url)

    @field_validator("image_url")
    @classmethod
    def _pictures_have_an_origin(cls, url: str) -> str:
        """Pictures bring their own paths: one that stands here would be left out unsaid."""
        parts = urlsplit(url)
        origin = parts._replace(path="", query="").geturl()
        if parts.path not in ("", "/") or parts.query:
            raise ValueError(f"pictures come from a host without a path, such as {origin}")
        return url

    @field_validator("database_url")
    @classmethod
    def _database_url_is_safe(cls, url: str | None) -> str | None:
        return safe_url(url) if url else None

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Read the environment once; `given` holds the flags that were used. Raises SettingsError."""
        try:
            read = cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise SettingsError(_sentence(error, cls, typed=given)) from None
        if read.emulator_host is None:
            return read
        url = emulator_url(read.emulator_host, database_url=read.database_url)
        return read.model_copy(update={"database_url": url})

    @property
    def features(self) -> FeatureSet:
        return FeatureSet(max_labels=self.max_labels, safe_search=self.safe_search)

    @property
    def world(self) -> Literal["sandbox", "vendors"]:
        """Where labels come from: this machine's are invented, and must not mix with real ones."""
        return "sandbox" if is_loopback(urlsplit(self.vision_url).hostname or "") else "vendors"

    @property
    def journal_path(self) -> Path:
        return self.state / "journal.sqlite3"

    @property
    def image_memory(self) -> int:
        """Bytes."""
        return self.max_memory * MEGABYTE


def variables(kind: type[Settings] = Settings) -> dict[str, str]:
    """The environment variable of every setting, by the setting's name."""
    return {
        name: str(field.validation_alias or f"INGESTOR_{name.upper()}")
        for name, field in kind.model_fields.items()
    }


def group_in(text: str) -> str:
    """The id or the alias in a text that is one, or the URL of a group's page; "" for any other."""
    url = GROUP_URL.fullmatch(text)
    name = unquote(url[1]) if url else text
    return name if GROUP_NAME.fullmatch(name) else ""


def safe_url(url: str) -> str:
    """Accept https anywhere and plain http on loopback only; no user names and no keys in URLs."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read by nobody here, and refused where it is no port
    except ValueError:
        raise ValueError("it is not a usable URL") from None
    if parts.username or parts.password or CREDENTIALS_IN_URLS & parse_qs(parts.query).keys():
        # Not to be repeated, nor written down as what results are published to: the secret stands in it.
        raise ValueError("a URL with a user name, a password or a key in it is not accepted")
    host = parts.hostname or ""
    if not HOST_NAME.fullmatch(host) or parts.fragment:
        raise ValueError(f"{url[:80]!r} is not a usable URL, such as https://example.com")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        # Capitals mean nothing in a host, and one spelling is what the allow-list compares.
        return parts._replace(netloc=parts.netloc.lower()).geturl()
    raise ValueError(f"{url[:80]!r} must begin with https:// (plain http is for loopback only)")


def emulator_url(host: str, *, database_url: str | None) -> str:
    """
    Where the emulator at `host` keeps the database of that URL: what is meant for an emulator must
    never reach the real one. The namespace is named as firebase-admin names it.
    """
    parts = urlsplit(database_url or "")
    named = parse_qs(parts.query).get("ns") or [(parts.hostname or EMULATED).partition(".")[0]]
    try:
        return safe_url(f"http://{host}/?ns={quote(named[0])}")
    except ValueError:
        raise SettingsError(
            f"FIREBASE_DATABASE_EMULATOR_HOST: {host[:80]!r} is not the host:port of an emulator "
            "on this machine, such as 127.0.0.1:9000."
        ) from None


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _sentence(error: ValidationError, kind: type[Settings], *, typed: Container[str]) -> str:
    """Say the first thing that is wrong; pydantic's own report is for programmers."""
    first = error.errors(include_url=False)[0]
    place, given, said = str(first["loc"][0]), first["input"], WRONG.get(first["type"], "{msg}")
    if first["type"] == "extra_forbidden":
        return _no_setting(place, variables(kind))
    facts = {"msg": first["msg"].removeprefix("Value error, "), **first.get("ctx", {})}
    return f"{_where(place, kind, typed=typed)}: {said.format(given=repr(given), bare=given, **facts)}."


def _no_setting(name: str, known: Collection[str]) -> str:
    """For a program: a flag that there is none of does not come so far."""
    meant = "".join(f" Did you mean {near!r}?" for near in get_close_matches(name, known, n=1))
    return f"There is no setting {name!r}.{meant}"


def _where(place: str, kind: type[Settings], *, typed: Container[str]) -> str:
    """The flag that was typed, or the variable that was read."""
    names = variables(kind)
    name = next((n for n, variable in names.items() if place in (n, variable)), place)
    if name in typed:
        return "--" + ("group" if name == "groups" else name.replace("_", "-"))
    return names.get(name, place)
