"""The digest by which the file of an archive is known."""

from hashlib import sha256
from pathlib import Path


def digest_of(path: Path) -> bytes:
    """Return the SHA-256 of a file. Raises OSError."""
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.digest()
