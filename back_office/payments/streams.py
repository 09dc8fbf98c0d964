"""The pages that are told when their payment changes."""

from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class Streams:
    """How many there are at once in this process, and at most."""

    most: int
    open: int = 0
