"""The table of outcomes: HTTP status, error type, Stripe-Should-Retry and replay, or no answer at all."""

from typing import Any

import httpx
import pytest
import stripe

from consumers.gateway.outcomes import (
    Broken,
    Refused,
    Retryable,
    Unknown,
    classify,
    classify_error,
    fault_of,
)
from tests.unit.consumers.builders import a_fault, an_intent


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (a_fault(402, type="card_error", code="card_declined"), Refused),
        (a_fault(400), Refused),
        (a_fault(404, code="resource_missing", param="payment_method"), Refused),
        (a_fault(400, code="payment_intent_unexpected_state"), Refused),
        (a_fault(409, type="invalid_request_error", code="idempotency_key_in_use"), Retryable),
        (a_fault(409, type="idempotency_error", code="idempotency_key_in_use"), Retryable),
        (a_fault(429, code="rate_limit"), Retryable),
        (a_fault(429, code="lock_timeout"), Retryable),
        (a_fault(400, should_retry=True), Retryable),
        (a_fault(402, type="card_error", should_retry=True), Retryable),
        (a_fault(500, type="api_error"), Retryable),
        (a_fault(503, type="api_error", should_retry=True, replayed=True), Retryable),
        (a_fault(500, type="api_error", should_retry=False), Unknown),
        (a_fault(500, type="api_error", replayed=True), Unknown),
        (a_fault(502, type=None), Retryable),
        (a_fault(400, type="idempotency_error"), Broken),
        (a_fault(400, type="idempotency_error", should_retry=False), Broken),
        (a_fault(None, type=None), Retryable),
        (a_fault(418, type=None), Retryable),
    ],
)
def test_an_answer_means(fault: Any, outcome: type) -> None:
    assert type(classify(fault)) is outcome


@pytest.mark.parametrize(
    "fault",
    [
        a_fault(401, type="invalid_request_error"),
        a_fault(403, type="invalid_request_error"),
        a_fault(400, code="api_key_expired"),
        a_fault(404, code="resource_missing", param="intent"),
        a_fault(404, code="resource_missing", param="payment_intent"),
        a_fault(418, type=None),
    ],
)
def test_what_a_person_has_to_mend_is_never_a_refusal_of_the_payment(fault: Any) -> None:
    outcome = classify(fault)
    assert isinstance(outcome, Retryable)
    assert outcome.alarm
    assert outcome.floor_s > 0


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
