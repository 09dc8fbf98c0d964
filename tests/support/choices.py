"""Choices of a property-based test that makes hundreds of them for an example.

Each draw from Hypothesis within an example costs a quarter of a millisecond. Here an example is one string of bytes,
which is read as the choices are made; smaller bytes are simpler choices, so that Hypothesis shrinks to those.
"""

from collections.abc import Sequence
from itertools import cycle
from typing import TypeVar

from hypothesis import strategies as st

Value = TypeVar("Value")

_BYTES = 256


class Choices:
    """Makes choices of bytes, from the first again when there are no more."""

    def __init__(self, source: bytes) -> None:
        self._source = cycle(source)

    def integer(self, least: int, most: int) -> int:
        """Return an integer of a range of at most 256."""
        assert most - least < _BYTES
        return least + next(self._source) % (most - least + 1)

    def boolean(self) -> bool:
        """Return whether."""
        return self.integer(0, 1) == 1

    def of(self, values: Sequence[Value]) -> Value:
        """Return one of the values."""
        return values[self.integer(0, len(values) - 1)]


def choices(count: int) -> st.SearchStrategy[Choices]:
    """Return choices of which so many are independent."""
    return st.binary(min_size=count, max_size=count).map(Choices)
