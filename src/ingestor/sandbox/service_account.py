"""
A service account of the sandbox's own: its RSA key, its key file, and the JWTs it signs.

The key is generated at the first start and, where the sandbox has a memory, kept there: a key
file that worked yesterday works today. It opens nothing outside the sandbox.
"""

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ingestor.sandbox.tokens import Grant

PROJECT: Final = "sandbox"
PROJECT_NUMBER: Final = "731000000001"
"""The same project, as errors and the ids of clients name it."""
EMAIL: Final = "sandbox@sandbox.iam.gserviceaccount.com"
KEY_ID: Final = "5a9db0c55a9db0c55a9db0c55a9db0c55a9db0c5"
"""Spells `sandbox` as well as forty hexadecimal digits can."""
CLIENT_ID: Final = "100000000000000000731"

KEY_FILE: Final = "service-account-key.pem"
KEY_BITS: Final = 2048
"""As Google's own key files have."""
OWNER_ONLY: Final = 0o600

GRANT_AUDIENCE: Final = "https://oauth2.googleapis.com/token"
"""Google's clients sign this audience whatever the key file's token_uri says."""

LONGEST_SECONDS: Final = 3600
SKEW_SECONDS: Final = 300
"""How far the clocks of signer and judge may differ; Google's figure is not published."""


class BadJwt(ValueError):
    """A JWT that is not to be believed; the argument is Google's sentence about it."""


class ServiceAccount:
    """The one account that the sandbox knows. `now` is the wall clock, in seconds."""

    def __init__(self, key: rsa.RSAPrivateKey, *, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now

    @classmethod
    def kept_in(cls, directory: Path | None, *, now: Callable[[], float]) -> "ServiceAccount":
        """Read the key from the memory directory, or generate one and keep it there if any."""
        file = directory / KEY_FILE if directory is not None else None
        if file is not None and file.exists():
            # It was made here: looking whether its primes are prime takes as long as making it.
            key = serialization.load_pem_private_key(
                file.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True
            )
            if isinstance(key, rsa.RSAPrivateKey):
                return cls(key, now=now)
        account = cls(rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS), now=now)
        if file is not None:
            _write_private(file, account._pem())
        return account

    def write_key_file(self, file: Path, *, token_url: str) -> None:
        """Write what a cloud console would offer for download, for its owner's eyes only."""
        _write_private(
            file, orjson.dumps(self.key_file(token_url=token_url), option=orjson.OPT_INDENT_2)
        )

    def key_file(self, *, token_url: str) -> dict[str, str]:
        """https://cloud.google.com/iam/docs/keys-create-delete"""
        certificate = f"https://www.googleapis.com/robot/v1/metadata/x509/{EMAIL}"
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": self._pem().decode(),
            "client_email": EMAIL,
            "client_id": CLIENT_ID,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_url,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": certificate,
            "universe_domain": "googleapis.com",
        }

    def claims(self, jwt: str) -> Mapping[str, Any]:
        """Verify signature, issuer and times, and return the claims; raises `BadJwt`."""
        header, claims = _parts(jwt)
        if header.get("alg") != "RS256" or header.get("kid", KEY_ID) != KEY_ID:
            raise BadJwt("Invalid JWT Signature.")
        self._verify(jwt)
        if claims.get("iss") != EMAIL:
            raise BadJwt("Invalid grant: account not found")
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or not isinstance(expires, int):
            raise BadJwt("Invalid JWT: iat and exp must be numbers.")
        now = self._now()
        is_timely = issued - SKEW_SECONDS <= now < expires + SKEW_SECONDS
        if not is_timely or not 0 < expires - issued <= LONGEST_SECONDS:
            raise BadJwt(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                "timeframe. Check your iat and exp values in the JWT claim."
            )
        return claims

    def self_signed(self, token: str) -> Grant | None:
        """
        What a JWT is good for that was signed for an API and not for the token endpoint.

        Google's own clients send such instead of a token when no scope was asked for.
        https://google.aip.dev/auth/4111
        """
        try:
            claims = self.claims(token)
        except BadJwt:
            return None
        scopes = frozenset(str(claims.get("scope", "")).split())
        if claims.get("sub") != EMAIL or not (scopes or claims.get("aud")):
            return None
        if claims.get("aud") == GRANT_AUDIENCE:
            return None
        everything = frozenset({"https://www.googleapis.com/auth/cloud-platform"})
        return Grant(scopes=scopes or everything, holder="service", expires=claims["exp"])

    def _verify(self, jwt: str) -> None:
        signed, _, signature = jwt.rpartition(".")
        try:
            self._key.public_key().verify(
                _decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            raise BadJwt("Invalid JWT Signature.") from None

    def _pem(self) -> bytes:
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def _parts(jwt: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    pieces = jwt.split(".")
    if len(pieces) != 3:
        raise BadJwt("Assertion is not a well-formed JWT.")
    try:
        header, claims = (orjson.loads(_decode(piece)) for piece in pieces[:2])
    except orjson.JSONDecodeError:
        raise BadJwt("Assertion is not a well-formed JWT.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise BadJwt("Assertion is not a well-formed JWT.")
    return header, claims


def _decode(piece: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))
    except (binascii.Error, ValueError):
        raise BadJwt("Assertion is not a well-formed JWT.") from None


def _write_private(file: Path, content: bytes) -> None:
    """The mode is set before the first byte is there to be read, and is right in the end."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
