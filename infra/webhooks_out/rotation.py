"""Which secrets of an endpoint sign: the newest, and every one before it until its own overlap is over.

A rotation does not end the overlap of another: whoever lost the answer to one, and rotates again, has one that signs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MOST_SECRETS: Final = 10
"""Of an endpoint, those that sign at once: each is a signature in the header of every message."""


class TooManySecrets(Exception):
    """So many secrets sign that a further one had to take the place of one in use."""

    def __init__(self, first_ends_at: datetime) -> None:
        super().__init__(f"{MOST_SECRETS} secrets sign until {first_ends_at.isoformat()}")
        self.first_ends_at = first_ends_at


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviousSecret:
    """A secret that was replaced by another, as it is stored, and the end of its overlap."""

    secret: bytes
    signs_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningSecrets:
    """The secrets of an endpoint, as they are stored."""

    newest: bytes
    previous: tuple[PreviousSecret, ...] = ()

    def rotated(
        self, newest: bytes, *, now: datetime, overlap: timedelta, end_previous: bool = False
    ) -> "SigningSecrets":
        """Return them with a new one; the one it replaces signs for `overlap` more. Raises TooManySecrets.

        `end_previous`: those before that one sign no more. Without it they sign as long as they were to.
        """
        kept = () if end_previous else tuple(each for each in self.previous if each.signs_until > now)
        if overlap <= timedelta(0):
            return SigningSecrets(newest=newest, previous=kept)
        if len(kept) + 2 > MOST_SECRETS:
            raise TooManySecrets(min(each.signs_until for each in kept))
        replaced = PreviousSecret(secret=self.newest, signs_until=now + overlap)
        return SigningSecrets(newest=newest, previous=(replaced, *kept))
