"""Bodies of the command API: what is taken, and that answers have the documented members in order."""

import uuid
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from command_api.payments.operations import Create, RefundPayment
from domain.ids import MerchantId, PaymentId, RefundId
from domain.payment.evolve import fold
from domain.payment.values import CaptureMethod, RefundReason
from schemas.http.payments import (
    CancelPaymentBody,
    CapturePaymentBody,
    ConfirmPaymentBody,
    CreatePaymentBody,
    PaymentAnswer,
    RefundAnswer,
    RefundPaymentBody,
)
from schemas.http.split_payments import CreateSplitPaymentBody
from schemas.http.times import moment_of, timestamp
from tests.support.payment_histories import events_of, paid, refunded, request_payment

BODIES = [CreatePaymentBody, ConfirmPaymentBody, CapturePaymentBody, CancelPaymentBody, RefundPaymentBody]


@pytest.mark.parametrize("model", [*BODIES, PaymentAnswer, RefundAnswer])
def test_the_examples_are_valid(model: type[BaseModel]) -> None:
    extra = model.model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    examples: Any = extra["examples"]
    assert examples
    for example in examples:
        model.model_validate(example)


@pytest.mark.parametrize("model", BODIES)
def test_unknown_fields_are_refused(model: type[BaseModel]) -> None:
    example: Any = model.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index]
    with pytest.raises(ValidationError, match="extra_forbidden"):
        model.model_validate(example | {"amount": 5})


def test_defaults_of_a_new_payment() -> None:
    body = CreatePaymentBody.model_validate({"user_id": "u", "amount_cents": 1000, "currency": "usd"})
    assert body.currency == "USD"
    assert body.capture_method is CaptureMethod.AUTOMATIC
    assert body.metadata == {}
    assert not body.wants_confirmation


@pytest.mark.parametrize("amount", [10.0, "10", True, 0, -1, 10**15])
@pytest.mark.parametrize("model", [CapturePaymentBody, RefundPaymentBody])
def test_amounts_are_whole_positive_numbers(model: type[BaseModel], amount: Any) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({"amount_cents": amount})


def test_reasons_are_stripes() -> None:
    assert RefundPaymentBody.model_validate({"reason": "duplicate"}).reason is RefundReason.DUPLICATE
    for model, reason in ((RefundPaymentBody, "abandoned"), (CancelPaymentBody, "because")):
        with pytest.raises(ValidationError):
            model.model_validate({"reason": reason})


@pytest.mark.parametrize("reason", ["", " ", "x" * 501, "a\x00b", 5])
def test_a_capture_has_no_reason_or_one_that_says_something(reason: object) -> None:
    assert CapturePaymentBody.model_validate({}).reason is None
    assert CapturePaymentBody.model_validate({"reason": "the parcel was sent"}).reason == "the parcel was sent"
    with pytest.raises(ValidationError):
        CapturePaymentBody.model_validate({"reason": reason})


def test_answers_have_the_documented_members_in_their_order() -> None:
    refund_id = RefundId(uuid.uuid4())
    request = request_payment()
    state = fold(events_of([*paid(request), *refunded(refund_id, request.amount)]))
    assert state is not None
    body = CreatePaymentBody(user_id="u", amount_cents=1000, currency="USD")
    create = Create(
        payment_id=state.payment_id, merchant_id=MerchantId("m"), idempotency_key=state.idempotency_key, request=body
    )
    refund = RefundPayment(payment_id=state.payment_id, refund_id=RefundId(refund_id), request=RefundPaymentBody())
    assert [*create.response_body(state), "position"] == list(PaymentAnswer.model_fields)
    assert [*refund.response_body(state), "position"] == list(RefundAnswer.model_fields)
    assert PaymentAnswer.model_validate(create.response_body(state) | {"position": 1}).status == "succeeded"
    assert RefundAnswer.model_validate(refund.response_body(state) | {"position": 1}).status == "succeeded"
    assert (create.status(state), refund.status(state)) == (201, 200)


def test_a_payments_time_is_that_of_its_id() -> None:
    # The example of RFC 9562, appendix A.6.
    moment = moment_of(PaymentId(uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")))
    assert moment is not None
    assert timestamp(moment) == "2022-02-22T19:22:22.000Z"
    assert moment_of(PaymentId(uuid.uuid4())) is None


@pytest.mark.parametrize("user_id", ["ada@mail.example", "user:ada@mail.example", "<ada@mail.example>"])
def test_an_e_mail_address_is_no_id_of_a_user(user_id: str) -> None:
    leg = {"user_id": user_id, "amount_cents": 500, "payment_method": "pm_1"}
    bodies: list[tuple[type[BaseModel], dict[str, Any]]] = [
        (CreatePaymentBody, {"user_id": user_id, "amount_cents": 1000, "currency": "USD"}),
        (CreateSplitPaymentBody, {"user_id": "ada", "currency": "USD", "legs": [leg, leg]}),
    ]
    for model, body in bodies:
        with pytest.raises(ValidationError, match="must not be an e-mail address"):
            model.model_validate(body)


@pytest.mark.parametrize("user_id", ["ada@home", "@ada", "user.4711", "a@b"])
def test_an_id_of_a_user_may_have_an_at_sign(user_id: str) -> None:
    CreatePaymentBody.model_validate({"user_id": user_id, "amount_cents": 1000, "currency": "USD"})
