"""The passwords of an embedded stack: made once, kept in a file that only its user can read."""

import secrets
from dataclasses import asdict, dataclass, fields

from infra.embedded.errors import DataUnusable
from infra.embedded.home import Home

_FILE = "secrets.json"
_LATER = ("relay", "audit", "access")


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Passwords:
    """One password for each PostgreSQL login role, and one for Valkey."""

    owner: str
    app: str
    relay: str
    projector: str
    query: str
    audit: str
    access: str
    valkey: str


def load_or_create(home: Home) -> Passwords:
    """Return the passwords of this home. Raises DataUnusable when they are lost but PostgreSQL's data is there."""
    kept = home.remembered(_FILE)
    names = [field.name for field in fields(Passwords)]
    later = [name for name in _LATER if not kept.get(name)]
    if kept.get("owner") and later:  # made by a version that had no such login
        kept = {**kept, **{name: secrets.token_urlsafe(24) for name in later}}
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
    made = Passwords(**{name: secrets.token_urlsafe(24) for name in names})
    home.remember(_FILE, dict(asdict(made)))
    return made
