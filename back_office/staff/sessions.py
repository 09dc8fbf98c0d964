"""Sessions, kept in this process: a log-out ends one for good, and a restart ends them all.

The cookie holds a random id alone, of which only the hash is kept here.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.settings.staff import StaffAccount

_LONGEST_BROWSER = 200


@dataclass(kw_only=True, slots=True)
class Session:
    """Somebody who is logged in. `csrf_token` is in each form that they are shown."""

    account: StaffAccount
    began: float
    seen: float
    browser: str = ""
    """What the browser calls itself."""
    number: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    """Names the session on its owner's pages; it opens nothing."""
    lock_position: int = 0
    """Of the event that had locked the account, or ended its sessions, last when this one began; 0 for never."""
    notice: str = ""
    """What was done last, for the next page to say."""
    csrf_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def sent(self, token: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf_token.encode(), token.encode())


class Sessions:
    """The sessions that are open."""

    def __init__(self, *, idle_s: float, max_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._idle_s = idle_s
        self._max_s = max_s
        self._now = now
        self._open: dict[str, Session] = {}

    def begin(self, account: StaffAccount, *, browser: str = "", lock_position: int = 0) -> str:
        """Open a session and return its id, for the cookie."""
        self._forget_ended()
        session_id = secrets.token_urlsafe(32)
        self._open[_hash(session_id)] = Session(
            account=account,
            began=self._now(),
            seen=self._now(),
            browser=browser[:_LONGEST_BROWSER],
            lock_position=lock_position,
        )
        return session_id

    def of(self, name: str) -> list[tuple[Session, float, float]]:
        """Return somebody's open sessions, the newest first: each with how long ago it began, and was used, in s."""
        self._forget_ended()
        now = self._now()
        found = [each for each in self._open.values() if each.account.name == name]
        return [(each, now - each.began, now - each.seen) for each in sorted(found, key=lambda each: each.began)[::-1]]

    def revoke(self, name: str, *, number: str | None = None, but: Session | None = None) -> int:
        """Close a session of somebody by its number, or all of theirs `but` one; return how many."""
        chosen = [
            key
            for key, each in self._open.items()
            if each.account.name == name and each is not but and number in (None, each.number)
        ]
        for key in chosen:
            del self._open[key]
        return len(chosen)

    def end_all(self, ended: Callable[[Session], bool]) -> None:
        """Close those sessions of which `ended` says so."""
        self._open = {key: session for key, session in self._open.items() if not ended(session)}

    def find(self, session_id: str) -> Session | None:
        """Return the session if it is open; it counts as used then."""
        session = self._open.get(_hash(session_id))
        if session is None or self._has_ended(session):
            self.end(session_id)
            return None
        session.seen = self._now()
        return session

    def peek(self, session_id: str) -> Session | None:
        """Return the session if it is open, without counting as its use."""
        session = self._open.get(_hash(session_id))
        return None if session is None or self._has_ended(session) else session

    def end(self, session_id: str) -> None:
        """Close a session, if it is open."""
        self._open.pop(_hash(session_id), None)

    def _has_ended(self, session: Session) -> bool:
        now = self._now()
        return now - session.seen > self._idle_s or now - session.began > self._max_s

    def _forget_ended(self) -> None:
        self._open = {key: session for key, session in self._open.items() if not self._has_ended(session)}


def _hash(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()
