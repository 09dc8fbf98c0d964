"""The table of outcomes: HTTP status, error type, Stripe-Should-Retry and replay, or no answer at all."""

from typing import Any

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.outcomes import (
    TABLE,
    CallOutcome,
    Fault,
    Refused,
    Retryable,
    Throttled,
    UnknownOutcome,
    classify,
    classify_error,
    fault_of,
    is_stored,
    row_of,
)
from infra.stripe.guard.errors import CircuitOpen, NotSent, TooManyCalls
from tests.unit.consumers.gateway.gateway_objects import a_fault, an_intent

API, CARD, REQUEST, KEY = "api_error", "card_error", "invalid_request_error", "idempotency_error"
AGAIN, ALARM = "again", "again, and a person must act"

CASES: list[tuple[str, Fault, str]] = [
    # row of the table, fault, outcome
    ("no answer", a_fault(None, type=None), AGAIN),
    ("key not accepted", a_fault(401, type=REQUEST), ALARM),
    ("key not accepted", a_fault(403, type=REQUEST), ALARM),
    ("key not accepted", a_fault(403, type=REQUEST, should_retry=False), ALARM),
    ("our account, key or code", a_fault(400, code="api_key_expired"), ALARM),
    ("our account, key or code", a_fault(400, code="parameter_unknown"), ALARM),
    ("our object is missing", a_fault(404, code="resource_missing", param="intent"), ALARM),
    ("our object is missing", a_fault(404, code="resource_missing", param="payment_intent"), ALARM),
    ("our object is missing", a_fault(400, code="resource_missing", param="charge"), ALARM),
    ("conflict", a_fault(409, type=REQUEST, code="idempotency_key_in_use"), AGAIN),
    ("conflict", a_fault(409, type=KEY, code="idempotency_key_in_use"), AGAIN),
    ("conflict", a_fault(409, type=API, should_retry=False), AGAIN),
    ("too many, or locked", a_fault(429, code="rate_limit"), AGAIN),
    ("too many, or locked", a_fault(429, code="lock_timeout"), AGAIN),
    ("too many, or locked", a_fault(429, code="rate_limit", should_retry=False), AGAIN),
    ("Stripe says: again", a_fault(400, should_retry=True), AGAIN),
    ("Stripe says: again", a_fault(402, type=CARD, should_retry=True), AGAIN),
    ("Stripe says: again", a_fault(503, type=API, should_retry=True, replayed=True), AGAIN),
    ("Stripe says: again", a_fault(500, type=API, should_retry=True), AGAIN),
    ("failure stored for the key", a_fault(500, type=API, replayed=True), "unknownoutcome"),
    ("failure stored for the key", a_fault(500, type=API, replayed=True, should_retry=False), "unknownoutcome"),
    ("failure, Stripe says: not again", a_fault(500, type=API, should_retry=False), "unknownoutcome"),
    ("failure of the API", a_fault(500, type=API), "unknownoutcome"),
    ("failure of Stripe", a_fault(500, type=None), AGAIN),
    ("failure of Stripe", a_fault(502, type=None), AGAIN),
    ("failure of Stripe", a_fault(599, type=None), AGAIN),
    ("key of another request", a_fault(400, type=KEY), "broken"),
    ("key of another request", a_fault(400, type=KEY, should_retry=False), "broken"),
    ("declined", a_fault(402, type=CARD, code="card_declined"), "declined"),
    ("declined", a_fault(402, type=CARD, code="expired_card", should_retry=False), "declined"),
    ("declined", a_fault(402, type=CARD, code="card_declined", replayed=True), "declined"),
    ("the client's object is missing", a_fault(404, code="resource_missing", param="payment_method"), "refused"),
    ("no such address", a_fault(404, code="invalid_request_error"), ALARM),
    ("no such address", a_fault(404, type=None, code="resource_missing"), ALARM),
    ("refused", a_fault(400), "refused"),
    ("refused", a_fault(400, code="payment_intent_unexpected_state"), "refused"),
    ("refused", a_fault(400, code="charge_already_refunded", should_retry=False), "refused"),
    ("refused", a_fault(400, code="resource_missing", param="payment_method"), "refused"),
    ("refused", a_fault(402, code="balance_insufficient"), "refused"),
    ("not an answer from Stripe", a_fault(418, type=None), ALARM),
    ("not an answer from Stripe", a_fault(200, type=None), ALARM),
    ("not an answer from Stripe", a_fault(400, type=API), ALARM),
]


def shown(outcome: CallOutcome) -> str:
    match outcome:
        case Retryable():
            assert outcome.alarm == (outcome.floor_s > 0)
            return ALARM if outcome.alarm else AGAIN
        case Refused():
            return "declined" if outcome.is_decline else "refused"
        case _:
            return type(outcome).__name__.lower()


@pytest.mark.parametrize(("row", "fault", "outcome"), CASES)
def test_an_answer_means(row: str, fault: Fault, outcome: str) -> None:
    assert (row_of(fault).name, shown(classify(fault))) == (row, outcome)


def test_no_row_of_the_table_is_without_a_case() -> None:
    names = [row.name for row in TABLE]
    assert len(set(names)) == len(names)
    assert {row for row, _, _ in CASES} == set(names)


@given(
    status=st.sampled_from([None, 200, 302, 400, 401, 402, 403, 404, 409, 418, 424, 429, 500, 502, 503, 504]),
    type_=st.sampled_from([None, API, CARD, REQUEST, KEY, "rate_limit_error"]),
    code=st.sampled_from(["card_declined", "resource_missing", "rate_limit", "lock_timeout", "unknown_error"]),
    should_retry=st.sampled_from([None, True, False]),
    replayed=st.booleans(),
)
def test_a_refusal_is_only_concluded_from_a_4xx_that_is_not_to_be_retried(
    status: int | None, type_: str | None, code: str, should_retry: bool | None, replayed: bool
) -> None:
    """A wrong refusal is the costly error: the payment is called failed, and Stripe has taken the money."""
    fault = a_fault(status, type=type_, code=code, should_retry=should_retry, replayed=replayed)
    if isinstance(classify(fault), Refused):
        assert status in {400, 402, 404, 418, 424}
        assert should_retry is not True
        assert type_ in {CARD, REQUEST}


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        stripe.APIConnectionError("no route"),
        ConnectionResetError(),
        stripe.APIError("Invalid response object from API", "<html>", 502, {}),
    ],
)
def test_no_answer_of_stripe_is_tried_again(error: Exception) -> None:
    outcome = classify_error(error)
    assert isinstance(outcome, Retryable)
    assert not outcome.alarm


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "no answer: TimeoutError"),
        (stripe.APIConnectionError("no route"), "no answer: APIConnectionError"),
        (ConnectionResetError(), "no answer: ConnectionResetError"),
        (KeyError("amount"), "KeyError: 'amount'"),
        (stripe.RateLimitError("Too many.", http_status=429), "429 - unknown_error: Too many."),
    ],
)
def test_what_is_tried_again_says_what_happened(error: Exception, reason: str) -> None:
    outcome = classify_error(error)
    assert isinstance(outcome, Retryable)
    assert outcome.reason == reason


@pytest.mark.parametrize("error", [CircuitOpen("stripe", wait_s=2), TooManyCalls(wait_s=5)])
def test_a_call_that_was_not_made_is_no_answer(error: NotSent) -> None:
    assert classify_error(error) == Throttled(wait_s=error.wait_s, reason=str(error))


def test_a_fault_of_ours_is_tried_again_loudly_and_recorded_as_nothing() -> None:
    outcome = classify_error(KeyError("amount"))
    assert isinstance(outcome, Retryable)
    assert outcome.alarm


def test_a_decline_is_read_with_its_charge_and_its_intent() -> None:
    body = {
        "error": {
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "insufficient_funds",
            "message": "Your card has insufficient funds.",
            "charge": "ch_1",
            "payment_intent": an_intent("requires_payment_method"),
        }
    }
    fault = fault_of(
        stripe.CardError(
            "Your card has insufficient funds.", None, "card_declined", http_status=402, json_body=body, headers={}
        )
    )
    assert (fault.status, fault.type, fault.code) == (402, "card_error", "card_declined")
    assert (fault.decline_code, fault.charge_id) == ("insufficient_funds", "ch_1")
    assert fault.intent is not None
    assert fault.intent["status"] == "requires_payment_method"
    outcome = classify(fault)
    assert isinstance(outcome, Refused)
    assert outcome.is_decline


@pytest.mark.parametrize("headers", [{"Stripe-Should-Retry": "true"}, httpx.Headers({"stripe-should-retry": "true"})])
def test_headers_are_read_in_any_case(headers: Any) -> None:
    error = stripe.InvalidRequestError("no", None, http_status=400, json_body={"error": {}}, headers=headers)
    assert fault_of(error).should_retry is True


@pytest.mark.parametrize(
    ("said", "should_retry"), [("true", True), ("false", False), ("False", False), ("perhaps", None), (None, None)]
)
def test_stripe_says_whether_to_try_again(said: str | None, should_retry: bool | None) -> None:
    headers = {} if said is None else {"Stripe-Should-Retry": said}
    error = stripe.APIError("No.", http_status=503, json_body={"error": {}}, headers=headers)
    assert fault_of(error).should_retry is should_retry
    outcome = classify_error(error)
    assert isinstance(outcome, UnknownOutcome) is (should_retry is False), "a failure that is not to be tried again"


@pytest.mark.parametrize(("said", "stored"), [("true", True), ("false", False), (None, False)])
def test_an_error_that_is_repeated_was_stored_for_the_key(said: str | None, *, stored: bool) -> None:
    headers = {} if said is None else {"Idempotent-Replayed": said}
    error = stripe.APIError("No.", http_status=503, json_body={"error": {}}, headers=headers)
    assert fault_of(error).replayed is stored
    assert is_stored(error) is stored
    refused = stripe.InvalidRequestError("No.", None, http_status=400, json_body={"error": {}}, headers=headers)
    assert is_stored(refused) is stored


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (stripe.StripeError("No.", json_body={"error": {"message": "The card said no."}}), "The card said no."),
        (stripe.StripeError("No.", json_body={"error": {}}), "No."),
        (stripe.StripeError("No."), "No."),
        (stripe.PermissionError(json_body={"error": {"message": ""}}), "PermissionError"),
    ],
)
def test_a_fault_says_what_stripe_said_or_else_what_it_is(error: stripe.StripeError, message: str) -> None:
    assert fault_of(error).message == message


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        ({"code": "card_declined", "decline_code": "lost_card", "type": CARD}, "card_declined"),
        ({"decline_code": "lost_card", "type": CARD}, "lost_card"),
        ({"type": CARD}, "card_error"),
        ({}, "unknown_error"),
    ],
)
def test_an_error_without_a_code_is_called_by_the_next_best_name(shown: dict[str, str], code: str) -> None:
    fault = fault_of(stripe.StripeError("No.", json_body={"error": shown}, http_status=402))
    assert fault.code == code
    assert fault.decline_code == shown.get("decline_code")
