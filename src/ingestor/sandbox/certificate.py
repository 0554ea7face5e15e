"""
A certificate for loopback, and the authority that signed it: made anew at every start, for one day.

Nothing in the world trusts this authority. A client that shall is told of its file, as in
`SSL_CERT_FILE`, which OpenSSL reads.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ingestor.sandbox.options import LOOPBACK

GOOD_FOR: Final = timedelta(days=1)
CLOCKS_DIFFER: Final = timedelta(minutes=5)
KEY_PERMISSIONS: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Three files in PEM form: the authority, what it signed, and the key to that."""

    authority: Path
    chain: Path
    key: Path

    @classmethod
    def made(cls, folder: Path) -> Self:
        """Elliptic keys, as Google's and Amazon's servers show them."""
        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _authority(authority_key)
        own = cls(
            authority=folder / "authority.pem",
            chain=folder / "certificate.pem",
            key=folder / "certificate-key.pem",
        )
        own.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        own.chain.write_bytes(
            _signed(key.public_key(), authority, authority_key).public_bytes(
                serialization.Encoding.PEM
            )
        )
        own.key.touch(KEY_PERMISSIONS)
        own.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return own

    def context(self) -> ssl.SSLContext:
        """What a server shows."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain, self.key)
        return context


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Sandbox authority")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _begun(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _signed(
    key: ec.EllipticCurvePublicKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    address = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
    names = x509.SubjectAlternativeName([address, x509.DNSName("localhost")])
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _begun(_name("Sandbox"), authority.subject, key)
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(signer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + GOOD_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
