"""Certificates by which the parts of the embedded store know each other: without them its gRPC ports answer
any account of the machine.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from citylake.core.secrets import create_once

PARTS = ("MASTER", "VOLUME", "FILER", "S3", "CLIENT")
FOR = timedelta(days=36_500)
"""They never leave the state folder, and a lake must start after years."""


def store_certificates(state: Path) -> dict[str, str]:
    """Environment that makes each part of the store show its certificate and ask for that of the other."""
    folder = state / "secrets" / "store-tls"
    whole = create_once(folder / "made.pem", b"".join(_made()))
    ca, own, key = (folder / name for name in ("ca.pem", "own.pem", "own.key"))
    for path, part in zip((ca, own, key), whole.split(b"\n\n"), strict=True):
        create_once(path, part + b"\n")
    pairs = {
        f"WEED_GRPC_{p}_{kind}": str(path) for p in PARTS for kind, path in (("CERT", own), ("KEY", key))
    }
    return {"WEED_GRPC_CA": str(ca), **pairs}


def _made() -> list[bytes]:
    """Authority, certificate and key as PEM, parted by a blank line; the authority's key is kept nowhere."""
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "citylake store")])
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    root = _builder(issuer, issuer, authority.public_key()).add_extension(constraints, critical=True)
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")])
    part = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "citylake store part")])
    leaf = _builder(part, issuer, own.public_key()).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    return [
        root.sign(authority, hashes.SHA256()).public_bytes(pem) + b"\n",
        leaf.sign(authority, hashes.SHA256()).public_bytes(pem) + b"\n",
        own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).rstrip(),
    ]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + FOR)
    )
