"""A library with known holes, or TLS that trusts anybody, stops the start."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ingestor.errors import AddressRefused, SettingsError, retry_hint
from ingestor.transport import HttpTransport, require_safe_http
from tests.far_end import a_request, a_transport, far_end, response, says

ORIGIN = "https://example.com"
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize("version", ["3.14.4", "3.15.0", "4.0.0a1", "3.14.10"])
def test_a_patched_library_is_accepted(version: str) -> None:
    require_safe_http(version, compiled=True)


@pytest.mark.parametrize(
    ("version", "compiled", "advice"),
    [
        pytest.param("3.14.3", True, "3.14.4 or newer", id="too old"),
        pytest.param("3.9.99", True, "3.14.4 or newer", id="much too old"),
        pytest.param("3.14.5", False, "AIOHTTP_NO_EXTENSIONS", id="without the C parser"),
    ],
)
def test_an_unsafe_library_is_named_with_its_remedy(
    version: str, compiled: bool, advice: str
) -> None:
    with pytest.raises(SettingsError, match=advice):
        require_safe_http(version, compiled=compiled)


def test_the_installed_library_is_safe() -> None:
    require_safe_http()


def test_verification_cannot_be_switched_off() -> None:
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE

    with pytest.raises(SettingsError):
        HttpTransport(origins={"images": [ORIGIN]}, user_agent="tests", tls=anybody)


def test_old_tls_is_raised_to_1_2() -> None:
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED

    HttpTransport(origins={"images": [ORIGIN]}, user_agent="tests", tls=tls)

    assert tls.minimum_version == ssl.TLSVersion.TLSv1_2


def certificate_of(name: str, folder: Path, *, begins_in: dt.timedelta = -DAY) -> Path:
    """A self-signed certificate with its key, in one file; good for two days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begins = dt.datetime.now(dt.UTC) + begins_in
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + 2 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def serving(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


both_ways = pytest.mark.parametrize("method", ["GET", "POST"])


@both_ways
async def test_a_trusted_certificate_is_talked_to(method: str, tmp_path: Path) -> None:
    path = certificate_of("localhost", tmp_path)
    tls = ssl.create_default_context(cafile=str(path))

    async with (
        far_end(says(response(b"hello")), tls=serving(path)) as far,
        HttpTransport(origins={"images": [far.origin]}, user_agent="tests", tls=tls) as transport,
    ):
        answer = await transport.send(a_request(f"{far.origin}/", method=method))

    assert answer.body == b"hello"


@both_ways
async def test_a_certificate_of_somebody_else_is_refused_though_it_is_trusted(
    method: str, tmp_path: Path
) -> None:
    path = certificate_of("other.example", tmp_path)
    tls = ssl.create_default_context(cafile=str(path))

    async with (
        far_end(says(response()), tls=serving(path)) as far,
        HttpTransport(origins={"images": [far.origin]}, user_agent="tests", tls=tls) as transport,
    ):
        with pytest.raises(AddressRefused) as refused:
            await transport.send(a_request(f"{far.origin}/", method=method))

    assert refused.value.reason == "tls-certificate"
    assert not far.requests


@both_ways
async def test_a_certificate_nobody_vouches_for_is_never_tried_again(
    method: str, tmp_path: Path
) -> None:
    tls = serving(certificate_of("localhost", tmp_path))

    async with far_end(says(response()), tls=tls) as far, a_transport(far.origin) as transport:
        with pytest.raises(AddressRefused) as refused:
            await transport.send(a_request(f"{far.origin}/", method=method))

    assert refused.value.reason == "tls-certificate"
    assert retry_hint(refused.value) is False
    assert not far.requests


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("begins_in", [DAY, -3 * DAY], ids=["not yet", "no more"])
async def test_of_a_certificate_of_another_time_the_clock_is_named(
    begins_in: dt.timedelta, method: str, tmp_path: Path
) -> None:
    path = certificate_of("localhost", tmp_path, begins_in=begins_in)
    tls = ssl.create_default_context(cafile=str(path))

    async with (
        far_end(says(response()), tls=serving(path)) as far,
        HttpTransport(origins={"images": [far.origin]}, user_agent="tests", tls=tls) as transport,
    ):
        with pytest.raises(AddressRefused, match="this machine's clock") as refused:
            await transport.send(a_request(f"{far.origin}/", method=method))

    assert refused.value.reason == "tls-time"
