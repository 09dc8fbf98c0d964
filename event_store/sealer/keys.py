"""The keys that checkpoints are signed with, from the settings."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from event_store.proofs.errors import MalformedProof
from event_store.proofs.note import ED25519, PrivateKey
from infra.errors import ProcessFailed
from infra.files import whole_file
from infra.settings.proofs import SealerKeySettings


def sealer_keys(settings: SealerKeySettings) -> list[PrivateKey]:
    """Return the keys, the newest first; none when nothing is to be sealed. Raises ProcessFailed.

    In development, a file that is not there is made.
    """
    texts = [each.get_secret_value() for each in settings.sealer_key]
    if settings.sealer_key_file is not None:
        texts += _lines(settings.sealer_key_file, make=settings.app_env == "development")
    try:
        keys = [PrivateKey.parse(each) for each in texts]
    except MalformedProof as error:
        raise ProcessFailed(f"SEALER_KEY or SEALER_KEY_FILE cannot be used: {error}") from None
    if len({key.name for key in keys}) > 1 or any(key.algorithm != ED25519 for key in keys):
        raise ProcessFailed("SEALER_KEY and SEALER_KEY_FILE have keys of several names, or of a witness")
    return keys


def write_new_key(name: str, path: Path) -> PrivateKey:
    """Make a key; keep it in a file that its user alone can read, and its public half beside it, in FILE.pub.

    Raises FileExistsError rather than to replace one, OSError, or MalformedProof for a name that no key can have.
    """
    key = PrivateKey.new(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{key.written()}\n")
        file.flush()
        os.fsync(file.fileno())
    with whole_file(path.with_name(f"{path.name}.pub")) as beside:
        beside.write_text(f"{key.public}\n", encoding="utf-8")
    return key


def _lines(path: Path, *, make: bool) -> Sequence[str]:
    try:
        if make and not path.exists():
            write_new_key(f"localhost/paystream/{secrets.token_hex(4)}", path)
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ProcessFailed(f"SEALER_KEY_FILE {path} cannot be read: {reason}") from None
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise ProcessFailed(f"SEALER_KEY_FILE {path} has no key")
    return found
