"""Log-ins that were begun and are at the provider: kept in this process, bound to a browser, each taken once.

A cookie has a secret of the browser, and the provider hands back the state; neither opens anything without the other.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

LASTS_S = 600
_MOST = 1000
"""Anybody can begin one: of more, the oldest are forgotten. Each is 32 KiB at most, as an address is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingLogin:
    """A log-in at the provider."""

    state: str
    nonce: str
    verifier: str
    """What PKCE (https://www.rfc-editor.org/rfc/rfc7636) proves that the code is ours with."""
    browser: str
    """The secret of the browser's cookie."""
    next: str
    """What to show afterwards."""
    session_id: str
    """Of the session that the browser had: the cookie does not come along from the provider's page."""
    began: float


class WaitingLogins:
    """Those of this process."""

    def __init__(self, *, most: int = _MOST, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._by_state = OrderedDict[str, WaitingLogin]()

    def begin(self, *, next: str, session_id: str) -> WaitingLogin:  # noqa: A002 - as elsewhere
        """Begin one."""
        login = WaitingLogin(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            browser=secrets.token_urlsafe(32),
            next=next,
            session_id=session_id,
            began=self._now(),
        )
        self._by_state[login.state] = login
        while len(self._by_state) > self._most:
            self._by_state.popitem(last=False)
        return login

    def take(self, *, state: str, browser: str) -> WaitingLogin | None:
        """Return the log-in that this browser began; it is over then, whatever comes of it."""
        login = self._by_state.pop(state, None)
        if login is None or self._now() - login.began > LASTS_S:
            return None
        return login if hmac.compare_digest(login.browser.encode(), browser.encode()) else None
