"""How far a command has come, for a person who waits."""

import sys
import time

_SHOW_EVERY_S = 1.0


class ProgressLine:
    """A line on a terminal that is written over; nothing in a pipe."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._at = 0.0

    def show(self, text: str) -> None:
        """Show how far it has come, once a second."""
        if self._shows and time.monotonic() - self._at >= _SHOW_EVERY_S:
            self._at = time.monotonic()
            print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shows and self._at:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
