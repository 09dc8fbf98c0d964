"""Whose call is made first when calls are scarce."""

from enum import IntEnum


class Priority(IntEnum):
    """The lower the number, the sooner."""

    URGENT = 0
    """A customer's money waits, or a hold may end."""
    NORMAL = 1
    BACKGROUND = 2
    """Lists that are read again and again: nobody waits for the answer. They have a part of the rate limit at most."""
