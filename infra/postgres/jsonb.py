"""JSON as a parameter of statements: as orjson writes it, in bytes, and not as a text that is encoded once more."""

import orjson
from psycopg.types.json import Jsonb


def jsonb(document: object) -> Jsonb:
    """Return what orjson can write as a parameter of type jsonb: written now, once for all statements that take it."""
    return Jsonb(orjson.dumps(document), dumps=_as_written)


def _as_written(document: bytes) -> bytes:
    return document
