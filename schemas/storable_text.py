"""What PostgreSQL cannot hold in a text."""

import re

_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """Return the text with NUL and half characters (lone UTF-16 surrogates) replaced."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
