"""Masks what differs from run to run: ids, times, secrets, addresses and request numbers."""

import re
from collections.abc import Mapping
from typing import Any

# The ids of objects at Stripe; those of the sandbox look the same.
_ID = re.compile(r"\b(acct|ba|ch|cus|dp|du|evt|pi|pm|po|py|re|req|seti|txn)_[A-Za-z0-9]{8,}(_secret_[A-Za-z0-9]+)?")
_URL = re.compile(r"https?://[^\s\"']+")
_TIMES = frozenset(
    {
        "arrival_date",
        "available_on",
        "canceled_at",
        "capture_before",
        "created",
        "due_by",
        "email_sent_at",
        "expires_at",
    }
)
_OF_THE_OBJECT = {
    **dict.fromkeys(("fingerprint", "network_transaction_id", "authorization_code", "exp_month", "exp_year"), "card"),
    "invoice_prefix": "customer",
}
_DOCUMENTED = ("https://stripe.com/docs/", "https://docs.stripe.com/")


class Masks:
    """Gives each id a name by its type and the order in which it comes up: `<pi_1>`."""

    def __init__(self, run: str) -> None:
        """`run` is a text that only this run uses. It is masked in every place."""
        self._run = run
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def masked(self, value: Any, name: str = "") -> Any:
        """Return a value of JSON as it can be compared; `name` is the member that it is of."""
        if isinstance(value, Mapping):
            return {key: self.masked(each, key) for key, each in sorted(value.items())}
        if isinstance(value, list):
            return [self.masked(each, name) for each in value]
        if value is None or isinstance(value, bool):
            return value
        if name in _TIMES:
            return "<time>"
        if name in _OF_THE_OBJECT:
            return f"<{_OF_THE_OBJECT[name]}>"
        return self._text(value, name) if isinstance(value, str) else value

    def _text(self, text: str, name: str) -> str:
        text = text.replace(self._run, "<run>")
        if name == "request_log_url" or (text.startswith("http") and not text.startswith(_DOCUMENTED)):
            return _URL.sub("<url>", text)
        return _ID.sub(self._named, text)

    def _named(self, match: re.Match[str]) -> str:
        kind, secret = match[1], match[2]
        known = match[0].removesuffix(secret or "")
        if known not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[known] = f"<{kind}_{self._counts[kind]}>"
        return self._names[known] + ("<secret>" if secret else "")
