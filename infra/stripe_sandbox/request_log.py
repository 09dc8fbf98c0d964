"""One log line for each change that is asked for, as the other HTTP servers write one: never with what was sent.

Requests that only read are many (a dashboard that is open, look-ups) and change nothing: they are in the metrics.
"""

import re
import time

import structlog

from infra.stripe_sandbox.forms import Form
from infra.stripe_sandbox.store import StoredAnswer

log = structlog.get_logger(__name__)

PAYMENT_ID = "paystream_payment_id"
"""The metadata key under which the caller names its payment."""

# A quote inside a JSON text is escaped, so this finds a member and never a part of some text. An id, not any text:
# what a client puts into metadata can be a secret.
_ID = r"[0-9a-fA-F-]{36}"
_ID_IN_ANSWER = re.compile(rf'"{PAYMENT_ID}":"({_ID})"'.encode())


def log_request(method: str, path: str, form: Form | None, answer: StoredAnswer, *, started: float) -> None:
    """Log a POST. `path` is the route's template; `started` is what `time.perf_counter` said at its beginning."""
    if method != "POST":
        return
    log.info(
        "http_request",
        method=method,
        path=path,
        status=answer.status,
        duration_ms=round((time.perf_counter() - started) * 1000, 2),
        payment_id=_payment_id(form, answer),
    )


def _payment_id(form: Form | None, answer: StoredAnswer) -> str | None:
    """Return the payment's id from what was sent, or else (a confirmation names none) from the object answered."""
    metadata = None if form is None else form.get("metadata")
    sent = metadata.get(PAYMENT_ID) if isinstance(metadata, dict) else None
    if isinstance(sent, str) and re.fullmatch(_ID, sent):
        return sent
    found = _ID_IN_ANSWER.search(answer.body)
    return None if found is None else found[1].decode()
