"""Files of keys: a key on each line, and lines of remarks that begin with #."""

import os
from pathlib import Path

from event_store.proofs.note import ED25519, Algorithm, PrivateKey
from infra.errors import WrongSetting
from infra.files import whole_file


def write_new_key(name: str, path: Path, algorithm: Algorithm = ED25519) -> PrivateKey:
    """Make a key; keep it in a file that its user alone can read, and its public half beside it, in FILE.pub.

    Raises FileExistsError rather than to replace one, OSError, or MalformedProof for a name that no key can have.
    """
    key = PrivateKey.new(name, algorithm)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{key.written()}\n")
        file.flush()
        os.fsync(file.fileno())
    with whole_file(path.with_name(f"{path.name}.pub")) as beside:
        beside.write_text(f"{key.public}\n", encoding="utf-8")
    return key


def key_lines(path: Path, variable: str) -> list[str]:
    """Return the keys in a file that a setting names, not parsed yet. Raises WrongSetting."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise WrongSetting(f"{variable} {path} cannot be read: {reason}") from None
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise WrongSetting(f"{variable} {path} has no key")
    return found
