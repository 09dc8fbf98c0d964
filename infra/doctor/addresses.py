"""What can be shown of an address: where it leads, without the password that it may hold."""

import re
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

UNREADABLE = "an address that cannot be read"
"""Not shown: a password with such a character in it looks like a part of the address."""
QUOTE = "In a password, write / as %2F, @ as %40, : as %3A, # as %23, ? as %3F and % as %25."

_NUMBER = re.compile(r"(/\d+)?")
_PORTS = re.compile(r"\d+(,\d+)*")
_LOCAL = ("127.0.0.1", "localhost", "::1", "")


def redis_address(url: str) -> str:
    """Return host, port and number of the database, or the path of a socket; UNREADABLE if it is not an address."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    try:
        port = parts.port or 6379
    except ValueError:
        return UNREADABLE
    path = parts.path.rstrip("/")
    return f"{parts.hostname or 'localhost'}:{port}{path}" if _NUMBER.fullmatch(path) else UNREADABLE


def postgres_address(url: str) -> str:
    """Return host, port and database; several hosts stay a list. UNREADABLE if it is not an address."""
    given = conninfo_to_dict(url)
    host, port = str(given.get("host") or "localhost"), str(given.get("port") or "5432")
    database = str(given.get("dbname") or given.get("user") or "")
    if not _PORTS.fullmatch(port) or any(each in database for each in "@:/?#"):
        return UNREADABLE
    return f"{host}:{port}/{database}"


def postgres_role(url: str) -> str:
    """Return who logs in."""
    return str(conninfo_to_dict(url).get("user") or "the user of this machine")


def is_local(host: str | None) -> bool:
    """Whether it is this machine, which no network lies before."""
    return (host or "") in _LOCAL or (host or "").startswith("/")
