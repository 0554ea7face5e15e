"""Who we are to each of Google's two services, as the settings and the environment have it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlsplit

import google.auth
import google.auth.credentials
import google.auth.exceptions
from google.auth import environment_vars
from google.auth.transport.requests import Request as TokenRequest
from pydantic import SecretStr

from ingestor.apis import Credentials
from ingestor.apis.google.guard import guarded_request
from ingestor.apis.google.keyfile import fault_of
from ingestor.apis.google.refusals import ASKED, translated, words
from ingestor.apis.google.tokens import Tokens
from ingestor.errors import SettingsError
from ingestor.kits.aside import Aside
from ingestor.transport import Hidden

SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/firebase.database",
)
"""One token for Vision and for the database, which wants the last two
(https://firebase.google.com/docs/database/rest/auth)."""

NONE_FOUND = "No Google credentials were found. Set "
KEY_OR = f"{NONE_FOUND}GOOGLE_API_KEY, or "
KEY_ALONE = "GOOGLE_API_KEY opens Vision, but no database. For that set "
NO_CREDENTIALS = (
    "{beginning}GOOGLE_APPLICATION_CREDENTIALS to the path of a "
    "service account's key, or run: gcloud auth application-default login"
)

UNUSABLE = (
    "The Google credentials cannot be used: {why}. Check GOOGLE_APPLICATION_CREDENTIALS, or run: "
    "gcloud auth application-default login"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who we are to each of Google's two services."""

    vision: Credentials
    database: Credentials


async def open_credentials(
    *, api_key: SecretStr | None, database_url: str | None, buying: bool = True
) -> Access:
    """
    Choose credentials: for Vision the key, for an emulator its own, for the rest the environment's.

    Without `buying`, Vision's may be missing. Raises SettingsError where there are none, or they
    cannot be read.
    """
    key = Fixed({"x-goog-api-key": api_key.get_secret_value()}) if api_key else None
    if not (key or buying):
        key = ANYBODY
    if database_url is None or is_emulator(database_url):
        database = EMULATOR_OWNER if database_url else ANYBODY
        return Access(vision=key or await default_tokens(KEY_OR), database=database)
    tokens = await default_tokens(KEY_ALONE if api_key else NONE_FOUND)
    return Access(vision=key or tokens, database=tokens)


def is_emulator(database_url: str) -> bool:
    """An emulator takes the database's name as a parameter, over plain HTTP."""
    parts = urlsplit(database_url)
    return parts.scheme == "http" and "ns" in parse_qs(parts.query)


async def default_tokens(beginning: str = NONE_FOUND) -> Tokens:
    """
    Application Default Credentials (https://cloud.google.com/docs/authentication/provide-credentials-adc).

    `beginning` is that of the sentence when there are none.
    """
    guarded = guarded_request()
    load = partial(_load, guarded)
    try:
        # A metadata server may be looked for, which takes half a minute where one says nothing.
        loaded = await Aside(1, name="credentials")(load)
        return Tokens(loaded, request=guarded, load=load)
    except ASKED as error:
        raise translated(error) from None
    except google.auth.exceptions.GoogleAuthError as error:
        raise SettingsError(_why_not(error, beginning=beginning)) from None
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        # The library takes JSON of another shape than a key's for what it expects.
        why = _fault() or "they are of another shape than it expects"
        raise SettingsError(UNUSABLE.format(why=why)) from None


class Fixed:
    """Headers that never change: a key, the emulator's owner, or none at all."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = Hidden(headers)

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    async def refresh_after(self, headers: Mapping[str, str]) -> None:
        """A fixed credential that was refused stays refused."""


EMULATOR_OWNER: Final = Fixed({"authorization": "Bearer owner"})
"""What an emulator of the database takes for an administrator's."""
ANYBODY: Final = Fixed({})


def _load(request: TokenRequest) -> google.auth.credentials.Credentials:
    with warnings.catch_warnings():
        # A login without a project: if it matters, Vision's refusal says so better.
        warnings.filterwarnings("ignore", message="Your application has authenticated")
        credentials, _project = google.auth.default(scopes=SCOPES, request=request)
    return credentials


def _why_not(error: Exception, *, beginning: str) -> str:
    if "credentials were not found" in words(error):
        return NO_CREDENTIALS.format(beginning=beginning)
    return UNUSABLE.format(why=_fault() or words(error).rstrip("."))


def _fault() -> str:
    """What is wrong with the file that the environment names, if it names one."""
    name = os.environ.get(environment_vars.CREDENTIALS)
    return fault_of(name) if name else ""
