"""Idempotency keys, as https://docs.stripe.com/api/idempotent_requests describes them.

A key belongs to an account. Its first request is executed; while it runs, others with the key are refused (409);
afterwards they get the stored status and body, if they ask for the same thing, and are refused (400) if not.
A day later the key is forgotten, and a request with it is a new one: who repeats a charge then charges twice.
"""

from dataclasses import dataclass, field
from hashlib import sha256

import orjson

from infra.stripe_sandbox.errors import StripeError, invalid_parameter, key_in_use
from infra.stripe_sandbox.forms import Form
from infra.stripe_sandbox.store import Store, StoredAnswer

MAX_KEY = 255
KEPT_FOR_S = 24 * 3600
"""Stripe may forget a key once it is this old; the sandbox, by its own clock, always does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyClaim:
    """A key that one running request holds."""

    account: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class InFlight:
    """The keys of requests that are running now. They end with the process, and so do their requests."""

    claims: dict[tuple[str, str], KeyClaim] = field(default_factory=dict)

    def claim(self, store: Store, claim: KeyClaim, now: float) -> StoredAnswer | None:
        """Take the key for a request and return None, or return the answer that an equal request got before.

        Raises StripeError: 400 when the key was used with other parameters, 409 while a request holds it.
        """
        # First the requests that run: an answer is in the store a moment before it is committed.
        running = self.claims.get((claim.account, claim.key))
        if running is not None:
            raise key_in_use(claim.key) if running.fingerprint == claim.fingerprint else _mismatch(claim.key)
        stored = store.find_answer(claim.account, claim.key, since=now - KEPT_FOR_S)
        if stored is not None:
            if stored.fingerprint != claim.fingerprint:
                raise _mismatch(claim.key)
            return stored
        self.claims[claim.account, claim.key] = claim
        return None

    def release(self, claim: KeyClaim) -> None:
        """Release the key: the request has ended."""
        self.claims.pop((claim.account, claim.key), None)


def keep(store: Store, claim: KeyClaim, answer: StoredAnswer, now: float) -> None:
    """Keep the answer to a request with a key, in its transaction."""
    store.keep_answer(claim.account, claim.key, answer, now=now, until=now - KEPT_FOR_S)


def fingerprint_of(method: str, path: str, form: Form) -> str:
    """Return what two requests must share to be the same request."""
    canonical = orjson.dumps([method, path, form], option=orjson.OPT_SORT_KEYS)
    return sha256(canonical).hexdigest()


def checked_key(key: str) -> str:
    """Return the key. Raises StripeError (400) when it is empty or too long."""
    if not key:
        raise invalid_parameter("Idempotency Key must be a non-empty string.")
    if len(key) > MAX_KEY:
        raise invalid_parameter(f"Idempotency Key must be at most {MAX_KEY} characters long.")
    return key


def _mismatch(key: str) -> StripeError:
    return StripeError(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        error_type="idempotency_error",
        stored=False,
    )
