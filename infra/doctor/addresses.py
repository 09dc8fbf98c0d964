"""What can be shown of an address: where it leads, without the password that it may hold."""

from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

_LOCAL = ("127.0.0.1", "localhost", "::1", "")


def redis_address(url: str) -> str:
    """Return host, port and number of the database, or the path of a socket."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    try:
        port = parts.port or 6379
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.hostname or 'localhost'}:{port}{parts.path.rstrip('/')}"


def postgres_address(url: str) -> str:
    """Return host, port and database; several hosts stay a list."""
    given = conninfo_to_dict(url)
    host, port = str(given.get("host") or "localhost"), str(given.get("port") or "5432")
    return f"{host}:{port}/{given.get('dbname') or given.get('user') or ''}"


def postgres_role(url: str) -> str:
    """Return who logs in."""
    return str(conninfo_to_dict(url).get("user") or "the user of this machine")


def is_local(host: str | None) -> bool:
    """Whether it is this machine, which no network lies before."""
    return (host or "") in _LOCAL or (host or "").startswith("/")
