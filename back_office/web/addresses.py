"""Addresses of our own pages."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

START = "/payments"


def safe_next(address: str) -> str:
    """Return where to go after a log-in: a page of ours, never another host (https://cwe.mitre.org/data/definitions/601)."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and "\\" not in address
    return address if is_ours and address.isprintable() else START


def with_query(path: str, parameters: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Return the address with those parameters that are not empty; as pairs, some may be repeated."""
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    query = urlencode([(name, value) for name, value in pairs if value])
    return f"{path}?{query}" if query else path


def segment(text: str) -> str:
    """Return text as one part of a path: it leads nowhere else, whatever it is."""
    return quote(text, safe="").replace(".", "%2E")
