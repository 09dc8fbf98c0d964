"""Certificates for a broker with TLS on this machine, made with the openssl program; for development and tests."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import StartFailed

_DAYS = "3650"


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFiles:
    """PEM files; keys are in PKCS#8 and not encrypted."""

    ca: Path
    """Who vouches for the brokers (and the clients): KAFKA_SSL_CA_FILE."""
    broker_certificate: Path
    broker_key: Path
    client_certificate: Path
    """What a client shows of itself when the broker asks: KAFKA_SSL_CERT_FILE."""
    client_key: Path
    asks_clients: bool = False
    """Whether the broker lets in only clients with a certificate."""


def make_tls_files(folder: Path, *, asks_clients: bool = False) -> TlsFiles:
    """Make an authority, a certificate for brokers on 127.0.0.1 and one for a client, unless `folder` has them.

    Raises StartFailed when there is no openssl, or it fails.
    """
    files = TlsFiles(
        ca=folder / "ca.pem",
        broker_certificate=folder / "broker.pem",
        broker_key=folder / "broker.key",
        client_certificate=folder / "client.pem",
        client_key=folder / "client.key",
        asks_clients=asks_clients,
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not files.client_certificate.exists():
        authority = folder / "ca.key"
        signed = ("-CA", str(files.ca), "-CAkey", str(authority))
        names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        leaf = "basicConstraints=critical,CA:FALSE"
        _make("Paystream development authority", files.ca, authority)
        _make("127.0.0.1", files.broker_certificate, files.broker_key, *signed, "-addext", names, "-addext", leaf)
        _make("paystream", files.client_certificate, files.client_key, *signed, "-addext", leaf)
    return files


def _make(subject: str, certificate: Path, key: Path, *options: str) -> None:
    """Make a key and a certificate for it. Source: openssl-req(1), `-x509` with `-CA` since OpenSSL 3.0."""
    argv = (
        *("openssl", "req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"),
        *("-subj", f"/CN={subject}", "-days", _DAYS, "-out", str(certificate), "-keyout", str(key), *options),
    )
    try:
        subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30)  # noqa: S603 - own words
    except FileNotFoundError as error:
        raise StartFailed("TLS needs the openssl program, and there is none in PATH.", component="kafka") from error
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        raise StartFailed(
            f"openssl (3.0 or newer is needed) makes no certificate: {said}", component="kafka"
        ) from error
