"""What a rule of faults says, and when it comes true."""

from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_MS = 600_000
_DRAWN_BYTES = 8


class Effect(StrEnum):
    """What goes wrong. Of a request: before its effect, or after it, when the effect stays."""

    LATENCY_BEFORE = "latency_before"
    LATENCY_AFTER = "latency_after"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    KEY_IN_USE = "key_in_use"
    LOCK_TIMEOUT = "lock_timeout"
    RATE_LIMIT = "rate_limit"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    # Of a webhook. The last seven send a falsified one beside the true one.
    LOSE = "lose"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    FORGE = "forge"
    TAMPER = "tamper"
    UNSIGN = "unsign"
    AGE = "age"
    OTHER_ACCOUNT = "other_account"
    OTHER_MODE = "other_mode"
    UNKNOWN_OBJECT = "unknown_object"
    # Of a row in the balance.
    HIDE_ROW = "hide_row"
    DOUBLE_ROW = "double_row"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_FEE = "wrong_fee"


FALSIFYING = frozenset(
    {
        Effect.FORGE,
        Effect.TAMPER,
        Effect.UNSIGN,
        Effect.AGE,
        Effect.OTHER_ACCOUNT,
        Effect.OTHER_MODE,
        Effect.UNKNOWN_OBJECT,
    }
)
OF_WEBHOOKS = FALSIFYING | {Effect.LOSE, Effect.DELAY, Effect.DUPLICATE, Effect.REORDER}
OF_BALANCE = frozenset({Effect.HIDE_ROW, Effect.DOUBLE_ROW, Effect.WRONG_AMOUNT, Effect.WRONG_FEE})
OF_REQUESTS = frozenset(Effect) - OF_WEBHOOKS - OF_BALANCE


class Rule(BaseModel):
    """For the next `times` matches, or for each with a probability; neither means always.

    A request matches by `method` and `path` (`/v1/payment_intents/*/capture`), a webhook or a balance row by `type`
    (`charge.*`, `refund`). Milliseconds are real ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    effect: Effect
    method: str = "*"
    path: str = "*"
    type: str = "*"
    after: Annotated[int, Field(ge=0)] = 0
    """How many matches pass unharmed first."""
    times: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: int = 0
    ms: Annotated[int, Field(ge=0, le=MAX_MS)] = 0
    """How long: a latency, a time-out before the connection ends, a late webhook, the most that one is moved."""
    status: Annotated[int, Field(ge=500, le=599)] = 500
    """Of an `error_...`. It is kept for the idempotency key, as Stripe does once execution began."""
    should_retry: bool | None = None
    """What the Stripe-Should-Retry header says; without it, what Stripe says for that status."""
    amount: int = 0
    """How much a `wrong_amount` or `wrong_fee` is off."""

    @model_validator(mode="after")
    def _matches_by_its_own_kind(self) -> Self:
        if self.effect in OF_REQUESTS and self.type != "*":
            raise ValueError("a request has no type: say method and path")
        if self.effect not in OF_REQUESTS and (self.method, self.path) != ("*", "*"):
            raise ValueError("a webhook or balance row has no method and path: say type")
        if self.effect in {Effect.WRONG_AMOUNT, Effect.WRONG_FEE} and not self.amount:
            raise ValueError("say by what amount it is wrong")
        return self

    def matches_request(self, method: str, path: str) -> bool:
        """Whether a request is meant."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)

    def matches_type(self, name: str) -> bool:
        """Whether a webhook or a balance row of this type is meant."""
        return fnmatchcase(name, self.type)

    def ended(self, fired: int) -> bool:
        """Whether it can come true no more."""
        return self.times is not None and fired >= self.times

    def fires(self, seen: int, fired: int) -> bool:
        """Whether it comes true for the match that `seen` others came before."""
        if seen < self.after or self.ended(fired):
            return False
        return self.probability is None or self.draw(seen) < self.probability

    def draw(self, number: int, purpose: str = "") -> float:
        """Return a number from 0 to 1 that the seed and the match's number say: the same after a restart."""
        digest = sha256(f"{self.seed}:{self.effect}:{number}:{purpose}".encode()).digest()
        return float(int.from_bytes(digest[:_DRAWN_BYTES]) / 2 ** (8 * _DRAWN_BYTES))
