"""The story that `paystream demo` tells: payments, a decline, refunds, each checked against what it must be.

It knows the system only by its two HTTP APIs.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.cli.output import format_amount
from infra.embedded.connections import DEVELOPMENT_KEY

_DECIDED_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.05
_CREATED = 201
_REFUND_ANSWERS = (200, 202)
_CLIENT_ERRORS = range(400, 500)

Body = dict[str, Any]


class Wrong(Exception):
    """Something is not as it must be; the text says what was expected and what came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One step of the story. `wrong` is empty when the step was right."""

    title: str
    outcome: str
    seconds: float
    wrong: str = ""


@dataclass(kw_only=True)
class Scenario:
    """Plays the story on a running system. `timeline` holds the first payment's events afterwards."""

    command_api: httpx.Client
    query_api: httpx.Client
    timeline: list[Body] = field(default_factory=list)
    _first: str = ""

    def play(self) -> list[Result]:
        """Play every step; a step that goes wrong does not keep the others from being tried."""
        steps: list[tuple[str, Callable[[], str]]] = [
            ("Create a payment", self._succeed),
            ("Send it again with the same key", self._replay),
            ("Create one with a declined card", self._decline),
            ("Refund a part", self._refund_a_part),
            ("Refund more than is left", self._refund_too_much),
            ("Refund the rest", self._refund_the_rest),
            ("Refund another in full at once", self._refund_in_full),
            ("Read the timeline", self._read_timeline),
        ]
        return [_tried(title, step) for title, step in steps]

    def _succeed(self) -> str:
        created = self._create("demo-first", amount_cents=1000, payment_method="pm_card_visa")
        self._first = created["id"]
        payment = self._wait_for_status(self._first, status="succeeded")
        intent = str(payment["stripe_payment_intent_id"])
        _expect("amount_captured_cents", payment["amount_captured_cents"], 1000)
        _expect("stripe_payment_intent_id", intent[:3], "pi_")
        return f"{_captured(payment)} captured, {intent}"

    def _replay(self) -> str:
        answer = self._post_payment("demo-first", amount_cents=1000, payment_method="pm_card_visa")
        _expect("status code", answer.status_code, _CREATED)
        _expect("id", answer.json()["id"], self._first)
        _expect("Idempotent-Replayed", answer.headers.get("Idempotent-Replayed"), "true")
        return "the same payment, no second charge"

    def _decline(self) -> str:
        created = self._create("demo-declined", amount_cents=2500, payment_method="pm_card_chargeDeclined")
        payment = self._wait_for_status(created["id"], status="requires_payment_method")
        _expect("amount_captured_cents", payment["amount_captured_cents"], 0)
        error = payment["last_error"] or {}
        _expect("last_error.code", error.get("code"), "card_declined")
        _expect("last_error.decline_code", error.get("decline_code"), "generic_decline")
        return f"declined: {error['message']}"

    def _refund_a_part(self) -> str:
        return self._refund(self._first, 400, refunded_before=0)

    def _refund_too_much(self) -> str:
        answer = self._post_refund(self._first, {"amount_cents": 700})
        problem = answer.json()
        if answer.status_code not in _CLIENT_ERRORS:
            raise Wrong(f"the refund is answered {answer.status_code}, must be refused")
        _expect("code", problem.get("code"), "refund_amount_exceeds_refundable")
        _expect("amount_refunded_cents", self._payment(self._first)["amount_refunded_cents"], 400)
        return f"refused: {problem.get('detail') or problem.get('title')}"

    def _refund_the_rest(self) -> str:
        return self._refund(self._first, 600, refunded_before=400)

    def _refund_in_full(self) -> str:
        created = self._create("demo-second", amount_cents=4999, payment_method="pm_card_mastercard")
        self._wait_for_status(created["id"], status="succeeded")
        return self._refund(created["id"], 4999, refunded_before=0, body={})

    def _read_timeline(self) -> str:
        answer = self.query_api.get(f"/payments/{self._first}/events")
        _expect("status code", answer.status_code, httpx.codes.OK)
        self.timeline = answer.json()["data"]
        types = [entry["type"] for entry in self.timeline]
        _expect("first event", types[0], "payment.requested")
        _expect("payments that succeeded", types.count("payment.succeeded"), 1)
        _expect("refunds that were requested", types.count("payment.refund_requested"), 2)
        _expect("refunds that succeeded", types.count("payment.refund_succeeded"), 2)
        versions = [entry["version"] for entry in self.timeline]
        _expect("versions", versions, list(range(1, len(versions) + 1)))
        return f"{len(types)} events, in order and without a gap"

    def _refund(self, payment_id: str, amount_cents: int, *, refunded_before: int, body: Body | None = None) -> str:
        answer = self._post_refund(payment_id, {"amount_cents": amount_cents} if body is None else body)
        if answer.status_code not in _REFUND_ANSWERS:
            raise Wrong(f"the refund is answered {answer.status_code}: {answer.text}")
        refund = answer.json()
        _expect("amount_cents", refund["amount_cents"], amount_cents)
        total = refunded_before + amount_cents
        payment = self._until(payment_id, lambda payment: payment["amount_refunded_cents"] == total)
        mine = [each for each in payment["refunds"] if each["refund_id"] == refund["refund_id"]]
        _expect("refund status", [each["status"] for each in mine], ["succeeded"])
        _expect("stripe_refund_id", str(mine[0]["stripe_refund_id"])[:3], "re_")
        _expect("status", payment["status"], "succeeded")
        returned = format_amount(amount_cents, payment["currency"])
        return f"{returned} returned, {format_amount(total, payment['currency'])} of {_captured(payment)} in all"

    def _create(self, key: str, *, amount_cents: int, payment_method: str) -> Body:
        answer = self._post_payment(key, amount_cents=amount_cents, payment_method=payment_method)
        if answer.status_code != _CREATED:
            raise Wrong(f"the payment is answered {answer.status_code}: {answer.text}")
        created: Body = answer.json()
        _expect("amount_cents", created["amount_cents"], amount_cents)
        _expect("currency", created["currency"], "USD")
        _expect("user_id", created["user_id"], "demo_user")
        _expect("idempotency_key", created["idempotency_key"], key)
        return created

    def _post_payment(self, key: str, *, amount_cents: int, payment_method: str) -> httpx.Response:
        body = {
            "user_id": "demo_user",
            "amount_cents": amount_cents,
            "currency": "USD",
            "payment_method": payment_method,
        }
        return self.command_api.post("/payments", json=body, headers={"Idempotency-Key": key})

    def _post_refund(self, payment_id: str, body: Body) -> httpx.Response:
        return self.command_api.post(f"/payments/{payment_id}/refund", json=body)

    def _wait_for_status(self, payment_id: str, *, status: str) -> Body:
        # a declined intent is back where it began, so its status alone does not say that it was tried
        return self._until(
            payment_id,
            lambda payment: (
                payment["status"] == status and (status == "succeeded" or payment["last_error"] is not None)
            ),
        )

    def _payment(self, payment_id: str) -> Body:
        answer = self.query_api.get(f"/payments/{payment_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {}  # the read model has not seen it yet
        _expect("status code", answer.status_code, httpx.codes.OK)
        payment: Body = answer.json()
        return payment

    def _until(self, payment_id: str, condition: Callable[[Body], bool]) -> Body:
        deadline = time.monotonic() + _DECIDED_WITHIN_S
        while not ((payment := self._payment(payment_id)) and condition(payment)):
            if time.monotonic() > deadline:
                raise Wrong(
                    f"after {_DECIDED_WITHIN_S:.0f} s the payment is still {payment or 'not in the read model'}"
                )
            time.sleep(_LOOK_EVERY_S)
        return payment


def client(url: str) -> httpx.Client:
    """Return a client of one of the APIs that carries the development key."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {DEVELOPMENT_KEY}"}, timeout=10.0)


def _tried(title: str, step: Callable[[], str]) -> Result:
    started = time.monotonic()
    outcome, wrong = "", ""
    try:
        outcome = step()
    except Wrong as error:
        wrong = str(error)
    except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
        wrong = f"{type(error).__name__}: {error}"
    return Result(title=title, outcome=outcome, wrong=wrong, seconds=time.monotonic() - started)


def _captured(payment: Body) -> str:
    return format_amount(payment["amount_captured_cents"], payment["currency"])


def _expect(what: str, have: object, want: object) -> None:
    if have != want:
        raise Wrong(f"{what} is {have!r}, must be {want!r}")
