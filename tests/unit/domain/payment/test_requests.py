"""Opening, confirming, capturing and cancelling a payment: what clients may ask, and when."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import MerchantId, PaymentId, RequestId, StripeChargeId, StripeIntentId, UserId
from domain.money import AmountNotRepresentable, AmountTooSmall, CurrencyMismatch, Money
from domain.payment.commands import CancelPayment, ConfirmPayment, PaymentCommand
from domain.payment.decide import decide
from domain.payment.errors import (
    CaptureExceedsAuthorized,
    InvalidPaymentRequest,
    PaymentAlreadyExists,
    PaymentNotCancelable,
    PaymentNotCapturable,
    PaymentNotConfirmable,
    PaymentUnknown,
)
from domain.payment.events import PaymentCaptureRequested, PaymentConfirmationRequested, PaymentRequested
from domain.payment.observations import RecordCanceled, RecordCaptureFailed, RecordPaymentFailed
from domain.payment.requests import MAX_EXPIRES_IN_SECONDS, MIN_EXPIRES_IN_SECONDS
from domain.payment.state import CancelRequest, CaptureRequest
from domain.payment.values import PaymentStatus
from tests.unit.domain.payment_builders import (
    PAYMENT_ID,
    a_manual_request,
    a_request,
    action_required,
    an_unconfirmed_request,
    attempt_failed,
    authorized,
    cancel,
    cancel_failed,
    capture,
    intent_created,
    names,
    payment_after,
    processing,
    refund,
    request_id,
    succeeded,
    then,
    usd,
)

HELD = (a_manual_request(), authorized())
CANCELED = RecordCanceled(intent_id=None)


def capture_failed(number: int = 1) -> RecordCaptureFailed:
    return RecordCaptureFailed(request_id=request_id(number), code="charge_expired", message="Too late.")


class TestRequest:
    def test_opens_a_pending_payment_with_all_that_was_asked(self) -> None:
        request = a_request(description="Two books", metadata={"order": "A-1"})
        [event] = decide(None, request)
        assert event == PaymentRequested(
            payment_id=PaymentId(PAYMENT_ID),
            merchant_id=MerchantId("merchant_1"),
            user_id=UserId("user_1"),
            amount=usd(10_00),
            payment_method="pm_card_visa",
            confirm=True,
            capture_method=request.capture_method,
            description="Two books",
            metadata={"order": "A-1"},
            idempotency_key="key_1",
        )
        payment = payment_after(request)
        assert payment.status is PaymentStatus.PENDING
        assert payment.confirmation_requested
        assert payment.amount_refundable == payment.amount_captured == payment.amount_authorized == usd(0)

    def test_cannot_be_made_twice(self) -> None:
        with pytest.raises(PaymentAlreadyExists) as refused:
            decide(payment_after(a_request()), a_request())
        assert refused.value.payment_id == PAYMENT_ID

    @pytest.mark.parametrize(
        "command", [ConfirmPayment(), capture(), cancel(), refund(), succeeded(), CANCELED, capture_failed()]
    )
    def test_comes_before_everything_else(self, command: PaymentCommand) -> None:
        with pytest.raises(PaymentUnknown):
            decide(None, command)

    def test_needs_an_amount_that_stripe_charges(self) -> None:
        with pytest.raises(AmountTooSmall):
            decide(None, a_request(amount=usd(49)))

    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("user_id", {"user_id": ""}),
            ("user_id", {"user_id": "  "}),
            ("user_id", {"user_id": "u" * 501}),
            ("description", {"description": "d" * 1001}),
            ("customer", {"customer": "alice"}),
            ("customer", {"customer": "cus_"}),
            ("customer", {"customer": "cus_1\n"}),
            ("statement_descriptor_suffix", {"statement_descriptor_suffix": "s" * 23}),
            ("statement_descriptor_suffix", {"statement_descriptor_suffix": "2026-11"}),
            ("statement_descriptor_suffix", {"statement_descriptor_suffix": ""}),
            ("statement_descriptor_suffix", {"statement_descriptor_suffix": "BOOKS 書"}),
            ("statement_descriptor_suffix", {"statement_descriptor_suffix": "K\u041d\u0418"}),
            ("statement_descriptor_suffix", {"statement_descriptor_suffix": "BOOKS ٣"}),
            ("statement_descriptor_suffix", {"statement_descriptor_suffix": "BOOKS €"}),
            *(
                ("statement_descriptor_suffix", {"statement_descriptor_suffix": f"BOOKS {character}"})
                for character in "<>\\'\"*\n"
            ),
            ("payment_method", {"payment_method": None}),
            ("payment_method", {"payment_method": ""}),
            ("metadata", {"metadata": {f"key_{n}": "" for n in range(49)}}),
            ("metadata", {"metadata": {"k" * 41: "v"}}),
            ("metadata", {"metadata": {"": "v"}}),
            ("metadata", {"metadata": {"a[b]": "v"}}),
            ("metadata", {"metadata": {"a[": "v"}}),
            ("metadata", {"metadata": {"a]": "v"}}),
            ("metadata", {"metadata": {"paystream_payment_id": "v"}}),
            ("metadata", {"metadata": {"k": "v" * 501}}),
        ],
    )
    def test_keeps_to_the_limits_of_stripe(self, field: str, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidPaymentRequest) as refused:
            decide(None, a_request(**changes))
        assert refused.value.field == field

    @pytest.mark.parametrize(
        ("metadata", "said"),
        [
            ({"order": "A-1", "gift": "v" * 501}, "'gift' has 501"),
            ({"order": "A-1", "k" * 41: "v"}, f"not '{'k' * 40}...'"),
            ({"order": "A-1", "a[b]": "v"}, "not 'a[b]'"),
            ({"paystream_id": "v"}, "'paystream_id' does"),
        ],
    )
    def test_names_the_metadata_that_breaks_a_rule(self, metadata: dict[str, str], said: str) -> None:
        with pytest.raises(InvalidPaymentRequest) as refused:
            decide(None, a_request(metadata=metadata))
        assert said in str(refused.value)

    def test_may_use_the_limits_of_stripe_up(self) -> None:
        most = {"k": "", **{f"{n:040}": "v" * 500 for n in range(47)}}
        payment = payment_after(a_request(user_id="u" * 500, description="d" * 1000, metadata=most))
        assert payment.metadata == most

    def test_keeps_the_customer_and_what_stands_on_the_statement(self) -> None:
        request = a_request(customer="cus_NffrFeUfNV2Hib", statement_descriptor_suffix="BOOKS 2 + 3")
        payment = payment_after(request)
        assert payment.customer == "cus_NffrFeUfNV2Hib"
        assert payment.statement_descriptor_suffix == "BOOKS 2 + 3"

    def test_may_have_latin_letters_with_accents_on_the_statement(self) -> None:
        payment = payment_after(a_request(statement_descriptor_suffix="CAFÉ ÅÖ"))
        assert payment.statement_descriptor_suffix == "CAFÉ ÅÖ"

    def test_does_not_share_its_metadata_with_the_caller(self) -> None:
        metadata = {"order": "A-1"}
        [event] = decide(None, a_request(metadata=metadata))
        metadata["order"] = "A-2"
        assert isinstance(event, PaymentRequested)
        assert event.metadata == {"order": "A-1"}


class TestConfirm:
    def test_a_payment_without_a_method_needs_one(self) -> None:
        payment = payment_after(an_unconfirmed_request(), intent_created(PaymentStatus.REQUIRES_PAYMENT_METHOD))
        with pytest.raises(PaymentNotConfirmable, match="A payment method is needed"):
            decide(payment, ConfirmPayment())
        payment = then(payment, ConfirmPayment(payment_method="pm_2"))
        assert payment.confirmation_requested
        assert payment.payment_method == "pm_2"
        assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD

    def test_a_payment_with_a_method_may_take_it_or_another(self) -> None:
        payment = payment_after(a_request(confirm=False), intent_created())
        assert then(payment, ConfirmPayment()).payment_method == "pm_card_visa"
        assert then(payment, ConfirmPayment(payment_method="pm_2")).payment_method == "pm_2"

    def test_after_a_decline_the_method_has_to_be_said_again(self) -> None:
        payment = payment_after(a_request(), attempt_failed())
        with pytest.raises(PaymentNotConfirmable):
            decide(payment, ConfirmPayment())
        assert then(payment, ConfirmPayment(payment_method="pm_2")).confirmation_requested

    def test_is_asked_once_while_it_is_on_its_way(self) -> None:
        payment = payment_after(a_request(), attempt_failed(), ConfirmPayment(payment_method="pm_2"))
        assert decide(payment, ConfirmPayment(payment_method="pm_2")) == ()
        assert decide(payment, ConfirmPayment()) == ()
        with pytest.raises(PaymentNotConfirmable, match="with another payment method is on its way"):
            decide(payment, ConfirmPayment(payment_method="pm_3"))

    @given(expires_in_seconds=st.none() | st.integers(MIN_EXPIRES_IN_SECONDS, MAX_EXPIRES_IN_SECONDS))
    @pytest.mark.parametrize("method", [None, "pm_2"])
    def test_expires_when_it_says_not_when_the_payment_did(
        self, expires_in_seconds: int | None, method: str | None
    ) -> None:
        payment = payment_after(a_request(confirm=False, expires_in_seconds=3600), intent_created())
        assert decide(payment, ConfirmPayment(payment_method=method, expires_in_seconds=expires_in_seconds)) == (
            PaymentConfirmationRequested(
                payment_method=method or "pm_card_visa", expires_in_seconds=expires_in_seconds
            ),
        )

    @pytest.mark.parametrize("seconds", [0, MIN_EXPIRES_IN_SECONDS - 1, MAX_EXPIRES_IN_SECONDS + 1])
    def test_expires_neither_at_once_nor_never(self, seconds: int) -> None:
        payment = payment_after(a_request(confirm=False), intent_created())
        with pytest.raises(InvalidPaymentRequest, match="must be from 60 to 86400") as refused:
            decide(payment, ConfirmPayment(expires_in_seconds=seconds))
        assert refused.value.field == "expires_in_seconds"

    def test_of_the_request_is_a_confirmation_on_its_way_too(self) -> None:
        assert decide(payment_after(a_request(), intent_created()), ConfirmPayment()) == ()

    def test_is_not_asked_of_a_payment_being_canceled(self) -> None:
        payment = payment_after(a_request(confirm=False), intent_created(), cancel())
        with pytest.raises(PaymentNotConfirmable, match="A cancellation is on its way"):
            decide(payment, ConfirmPayment())

    def test_another_card_may_be_taken_when_the_payer_has_to_act(self) -> None:
        payment = payment_after(a_request(), action_required())
        for no_method in (ConfirmPayment(), ConfirmPayment(payment_method="")):
            with pytest.raises(PaymentNotConfirmable, match="A payment method is needed"):
                decide(payment, no_method)
        payment = then(payment, ConfirmPayment(payment_method="pm_2"))
        assert (payment.confirmation_requested, payment.payment_method) == (True, "pm_2")
        assert decide(payment, ConfirmPayment(payment_method="pm_2")) == ()
        payment = then(payment, action_required("https://bank.example/3ds/2"))
        assert not payment.confirmation_requested
        assert then(payment, succeeded()).status is PaymentStatus.SUCCEEDED

    def test_of_one_who_has_to_act_is_not_asked_while_canceled(self) -> None:
        payment = payment_after(a_request(), action_required(), cancel())
        with pytest.raises(PaymentNotConfirmable, match="A cancellation is on its way"):
            decide(payment, ConfirmPayment(payment_method="pm_2"))

    @pytest.mark.parametrize("commands", [(), (processing(),), (authorized(),), (succeeded(),), (CANCELED,)])
    def test_needs_a_payment_that_waits_for_it(self, commands: tuple[PaymentCommand, ...]) -> None:
        payment = payment_after(a_request(), *commands)
        with pytest.raises(PaymentNotConfirmable, match="Only a payment that waits for a confirmation") as refused:
            decide(payment, ConfirmPayment(payment_method="pm_2"))
        assert refused.value.status is payment.status


class TestCapture:
    def test_takes_all_that_is_held_unless_told_otherwise(self) -> None:
        payment = payment_after(*HELD, capture())
        assert payment.capture_requested == CaptureRequest(request_id=request_id(), amount=usd(10_00))
        assert payment.status is PaymentStatus.REQUIRES_CAPTURE

    @pytest.mark.parametrize("reason", [None, "the parcel was sent"])
    def test_keeps_the_reason_that_was_said(self, reason: str | None) -> None:
        (event,) = decide(payment_after(*HELD), replace(capture(), reason=reason))
        assert event == PaymentCaptureRequested(request_id=request_id(), amount=usd(10_00), reason=reason)

    def test_of_a_part_releases_the_rest(self) -> None:
        payment = payment_after(*HELD, capture(4_00), succeeded(4_00))
        assert payment.status is PaymentStatus.SUCCEEDED
        assert payment.amount_authorized == usd(10_00)
        assert payment.amount_captured == payment.amount_refundable == usd(4_00)
        assert payment.amount_capturable == usd(0)
        assert payment.capture_requested is None

    def test_cannot_take_more_than_is_held(self) -> None:
        with pytest.raises(CaptureExceedsAuthorized) as refused:
            decide(payment_after(*HELD), capture(10_01))
        assert refused.value.capturable == usd(10_00)
        assert refused.value.requested == usd(10_01)

    def test_is_limited_by_what_is_held_not_by_what_was_asked_for(self) -> None:
        with pytest.raises(CaptureExceedsAuthorized):
            decide(payment_after(a_manual_request(), authorized(8_00)), capture(9_00))

    def test_takes_something(self) -> None:
        with pytest.raises(AmountTooSmall):
            decide(payment_after(*HELD), capture(0))

    def test_is_in_the_currency_of_the_payment(self) -> None:
        command = capture()
        euros = Money(amount_cents=1_00, currency="EUR")
        with pytest.raises(CurrencyMismatch):
            decide(payment_after(*HELD), type(command)(request_id=command.request_id, amount=euros))

    def test_has_no_fractions_that_the_currency_lacks(self) -> None:
        kwd = Money(amount_cents=10_000, currency="KWD")
        held = authorized()
        payment = payment_after(
            a_manual_request(amount=kwd),
            type(held)(intent_id=StripeIntentId("pi_1"), amount=kwd, charge_id=StripeChargeId("ch_1")),
        )
        part = Money(amount_cents=5_005, currency="KWD")
        with pytest.raises(AmountNotRepresentable):
            decide(payment, type(capture())(request_id=request_id(), amount=part))

    def test_is_asked_once(self) -> None:
        payment = payment_after(*HELD, capture(4_00))
        assert decide(payment, capture(4_00)) == ()
        with pytest.raises(PaymentNotCapturable, match="A capture is on its way"):
            decide(payment, capture(4_00, number=2))

    def test_that_failed_may_be_asked_again_by_another_request(self) -> None:
        payment = payment_after(*HELD, capture(4_00), capture_failed())
        assert payment.capture_requested is None
        assert payment.last_error is not None
        assert payment.last_error.code == "charge_expired"
        assert payment.amount_capturable == usd(10_00)
        assert decide(payment, capture(4_00)) == ()
        assert names(decide(payment, capture(5_00, number=2))) == ["PaymentCaptureRequested"]

    def test_under_way_shows_no_refusal_of_another_request(self) -> None:
        for before in ((capture(), capture_failed()), (cancel(), cancel_failed())):
            payment = payment_after(*HELD, *before, capture(number=2))
            assert payment.last_error is None
            assert then(payment, succeeded()).last_error is None
            refused = then(payment, capture_failed(2)).last_error
            assert refused is not None
            assert refused.code == "charge_expired"

    def test_a_failure_concerns_the_request_it_names(self) -> None:
        payment = payment_after(*HELD, capture(), capture_failed(), capture(number=2))
        assert decide(payment, capture_failed(1)) == ()
        assert names(decide(payment, capture_failed(2))) == ["PaymentCaptureFailed"]

    def test_of_a_settled_payment_repeats_nothing_and_starts_nothing(self) -> None:
        payment = payment_after(*HELD, capture(4_00), succeeded(4_00))
        assert decide(payment, capture(4_00)) == ()
        with pytest.raises(PaymentNotCapturable):
            decide(payment, capture(1_00, number=2))

    @pytest.mark.parametrize("commands", [(), (action_required(),), (processing(),), (CANCELED,)])
    def test_needs_held_money(self, commands: tuple[PaymentCommand, ...]) -> None:
        with pytest.raises(PaymentNotCapturable, match="Only a payment whose money is held can be captured"):
            decide(payment_after(a_manual_request(), *commands), capture())


class TestCancel:
    @pytest.mark.parametrize(
        "commands",
        [
            (),
            (intent_created(PaymentStatus.REQUIRES_PAYMENT_METHOD),),
            (intent_created(),),
            (action_required(),),
            (attempt_failed(),),
            (authorized(),),
        ],
    )
    def test_is_asked_before_any_money_is_taken(self, commands: tuple[PaymentCommand, ...]) -> None:
        payment = payment_after(a_manual_request(), *commands)
        requested = then(payment, cancel(reason="abandoned"))
        assert requested.cancel_requested == CancelRequest(request_id=request_id(), reason="abandoned")
        assert requested.status is payment.status

    @pytest.mark.parametrize(
        ("last", "advice"),
        [
            (processing(), "Wait for its answer"),
            (succeeded(), "Refund the payment instead"),
            (CANCELED, "canceled already"),
            (RecordPaymentFailed(code="amount_too_small", message="Too small."), "nothing to cancel"),
        ],
    )
    def test_is_too_late_afterwards_and_says_what_to_do(self, last: PaymentCommand, advice: str) -> None:
        with pytest.raises(PaymentNotCancelable, match=advice):
            decide(payment_after(a_request(), last), cancel())

    def test_is_asked_once(self) -> None:
        payment = payment_after(a_request(), cancel())
        assert decide(payment, cancel()) == ()
        with pytest.raises(PaymentNotCancelable, match="A cancellation is on its way already"):
            decide(payment, cancel(2))

    def test_and_capture_exclude_each_other(self) -> None:
        with pytest.raises(PaymentNotCancelable, match="A capture is on its way"):
            decide(payment_after(*HELD, capture(number=1)), cancel(2))
        with pytest.raises(PaymentNotCapturable, match="A cancellation is on its way"):
            decide(payment_after(*HELD, cancel(1)), capture(number=2))

    def test_that_failed_lets_the_payment_go_on(self) -> None:
        payment = payment_after(*HELD, cancel(), cancel_failed())
        assert payment.cancel_requested is None
        assert payment.last_error is not None
        assert payment.last_error.code == "unexpected_state"
        assert decide(payment, cancel_failed()) == ()
        assert names(decide(payment, capture(number=2))) == ["PaymentCaptureRequested"]

    def test_under_way_shows_no_refusal_of_another_request(self) -> None:
        for before in ((capture(), capture_failed()), (cancel(), cancel_failed())):
            assert payment_after(*HELD, *before, cancel(2)).last_error is None

    def test_each_that_failed_is_known_with_its_reason(self) -> None:
        payment = payment_after(a_request(), cancel(), cancel_failed(), cancel(2))
        assert [each.code for each in payment.failed_cancellations.values()] == ["unexpected_state"]
        assert set(payment.failed_cancellations) == {request_id()}

    def test_a_failure_concerns_the_request_it_names(self) -> None:
        payment = payment_after(*HELD, cancel(), cancel_failed(), cancel(2))
        assert decide(payment, cancel_failed(1)) == ()
        assert decide(payment_after(*HELD), cancel_failed(1)) == ()

    def test_loses_against_a_success(self) -> None:
        payment = payment_after(a_request(), cancel(), succeeded())
        assert payment.status is PaymentStatus.SUCCEEDED
        assert payment.cancel_requested is None
        assert decide(payment, cancel_failed()) == ()

    def test_takes_the_reasons_of_stripe(self) -> None:
        with pytest.raises(InvalidPaymentRequest) as refused:
            decide(payment_after(a_request()), cancel(reason="changed my mind"))
        assert refused.value.field == "reason"


def test_ids_of_requests_are_not_shared_between_capture_and_cancel() -> None:
    payment = payment_after(*HELD, capture(number=1))
    same_id: UUID = request_id(1)
    assert decide(payment, CancelPayment(request_id=RequestId(same_id))) == ()
