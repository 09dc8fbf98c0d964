"""Identifiers that sort by time of creation: new rows land at the end of their index, not all over it."""

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """Return a UUID version 7 (RFC 9562, section 5.7), rising within a process."""
    return _uuid7()
