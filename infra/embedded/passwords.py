"""The passwords and the key of an embedded stack: made once, kept in a file that only its user can read."""

import base64
import secrets
from dataclasses import asdict, dataclass, fields

from infra.embedded.errors import DataUnusable
from infra.embedded.home import Home
from infra.settings.base64_keys import KEY_BYTES

_FILE = "secrets.json"
_LATER = ("relay", "audit", "sealer", "erasure", "access", "privacy_wrapping_key")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Passwords:
    """One password for each PostgreSQL login role, and one for Valkey."""

    owner: str
    app: str
    relay: str
    projector: str
    query: str
    audit: str
    sealer: str
    erasure: str
    access: str
    valkey: str
    privacy_wrapping_key: str
    """Wraps the keys of personal data."""


def load_or_create(home: Home) -> Passwords:
    """Return the passwords of this home. Raises DataUnusable when they are lost but PostgreSQL's data is there."""
    kept = home.remembered(_FILE)
    names = [field.name for field in fields(Passwords)]
    later = [name for name in _LATER if not kept.get(name)]
    if kept.get("owner") and later:  # made by a version that had no such login
        kept = {**kept, **{name: _new(name) for name in later}}
        home.remember(_FILE, kept)
    if all(kept.get(name) for name in names):
        return Passwords(**{name: str(kept[name]) for name in names})
    if (home.path / "postgres").exists():
        message = (
            f"{home.path / _FILE} is missing or damaged, and without it PostgreSQL's data in {home.path / 'postgres'} "
            f"cannot be opened. Restore that file, choose another folder with PAYSTREAM_HOME, or remove {home.path} to "
            f"begin anew (its payments are then gone)."
        )
        raise DataUnusable(message)
    made = Passwords(**{name: _new(name) for name in names})
    home.remember(_FILE, dict(asdict(made)))
    return made


def _new(name: str) -> str:
    if name == "privacy_wrapping_key":
        return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return secrets.token_urlsafe(24)
