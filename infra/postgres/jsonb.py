"""JSON as a parameter of a statement: as orjson writes it, in bytes, and not as a text that is encoded once more."""

import orjson
from psycopg.types.json import Jsonb


def jsonb(document: object) -> Jsonb:
    """Return what orjson can write as a parameter of type jsonb; it is written when the statement is executed."""
    return Jsonb(document, dumps=orjson.dumps)
