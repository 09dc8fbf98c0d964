"""The keys that checkpoints are signed with, from the settings."""

import secrets
from pathlib import Path

from event_store.proofs.errors import MalformedProof
from event_store.proofs.key_files import key_lines, write_new_key
from event_store.proofs.note import ED25519, PrivateKey
from infra.errors import WrongSetting
from infra.settings.proofs import SealerKeySettings


def sealer_keys(settings: SealerKeySettings) -> list[PrivateKey]:
    """Return the keys, the newest first; none when nothing is to be sealed. Raises WrongSetting.

    In development, a file that is not there is made.
    """
    texts = [each.get_secret_value() for each in settings.sealer_key]
    if settings.sealer_key_file is not None:
        texts += _lines(settings.sealer_key_file, make=settings.app_env == "development")
    try:
        keys = [PrivateKey.parse(each) for each in texts]
    except MalformedProof as error:
        raise WrongSetting(f"SEALER_KEY or SEALER_KEY_FILE cannot be used: {error}") from None
    if len({key.name for key in keys}) > 1 or any(key.algorithm != ED25519 for key in keys):
        raise WrongSetting("SEALER_KEY and SEALER_KEY_FILE have keys of several names, or of a witness")
    return keys


def _lines(path: Path, *, make: bool) -> list[str]:
    if make and not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_new_key(f"localhost/paystream/{secrets.token_hex(4)}", path)
        except OSError as error:
            raise WrongSetting(f"SEALER_KEY_FILE {path} cannot be made: {error.strerror}") from None
    return key_lines(path, "SEALER_KEY_FILE")
