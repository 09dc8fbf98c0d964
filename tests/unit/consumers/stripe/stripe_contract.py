"""What the gateway relies on, of Stripe and of a Stripe in memory."""

import time
import uuid
from abc import ABC, abstractmethod
from typing import Any

import pytest
import stripe

from consumers.gateway.outcomes import Refused, UnknownOutcome, classify_error
from consumers.stripe.client import JsonObject, LeaseExpired
from consumers.stripe.payments import Stripe
from consumers.stripe.requests import StripeRequest
from consumers.stripe.translate.ids import PAYMENT_ID, REFUND_ID
from consumers.tasks.models import TaskOperation
from domain.ids import PaymentId, RefundId, StripeIntentId

AMOUNT = 1000
NO_SUCH_INTENT = StripeIntentId("pi_no_such_intent")


def request(
    operation: TaskOperation,
    intent: JsonObject | StripeIntentId | None = None,
    *,
    key: str | None = None,
    **params: Any,
) -> StripeRequest:
    return StripeRequest(
        operation=operation,
        idempotency_key=key or str(uuid.uuid4()),
        intent_id=intent["id"] if isinstance(intent, dict) else intent,
        params=params,
    )


def creation(payment_id: PaymentId, *, key: str | None = None, **params: Any) -> StripeRequest:
    """Return the request for a payment that is confirmed at once, unless the parameters say otherwise."""
    fields: dict[str, Any] = {
        "amount": AMOUNT,
        "currency": "usd",
        "allowed_payment_method_types": ["card"],
        "metadata": {PAYMENT_ID: str(payment_id), "order": "A-1"},
        "payment_method": "pm_card_visa",
        "confirm": True,
    }
    return request(TaskOperation.CREATE_INTENT, key=key, **(fields | params))


def refund(intent: JsonObject | str, amount: int, refund_id: RefundId, *, key: str | None = None) -> StripeRequest:
    intent_id = intent["id"] if isinstance(intent, dict) else intent
    metadata = {PAYMENT_ID: str(uuid.uuid4()), REFUND_ID: str(refund_id)}
    return request(TaskOperation.CREATE_REFUND, key=key, payment_intent=intent_id, amount=amount, metadata=metadata)


async def refused(api: Stripe, sent: StripeRequest) -> tuple[int | None, str | None]:
    """Send what must be refused, not declined; return the status and the code."""
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await api.send(sent)
    outcome = classify_error(refusal.value)
    assert not isinstance(outcome, Refused) or not outcome.is_decline
    return refusal.value.http_status, refusal.value.code


class StripeContract(ABC):
    @abstractmethod
    def stripe(self) -> Stripe:
        """Return one that knows of nothing."""

    @abstractmethod
    async def fail_next(self, *, after_effect: bool) -> None:
        """Let the next call be answered by a 500, before or after its effect."""

    async def paid(self, api: Stripe, **params: Any) -> JsonObject:
        return await api.send(creation(PaymentId(uuid.uuid4()), **params))

    async def now(self, api: Stripe, intent: JsonObject) -> JsonObject:
        found = await api.find_intent(intent_id=intent["id"], payment_id=PaymentId(uuid.uuid4()))
        assert found is not None
        return found

    async def test_a_confirmed_payment_is_paid_and_found(self) -> None:
        api, payment_id = self.stripe(), PaymentId(uuid.uuid4())
        intent = await api.send(creation(payment_id))
        assert (intent["status"], intent["amount"], intent["amount_received"]) == ("succeeded", AMOUNT, AMOUNT)
        assert (intent["currency"], intent["amount_capturable"]) == ("usd", 0)
        assert intent["metadata"] == {PAYMENT_ID: str(payment_id), "order": "A-1"}
        assert intent["latest_charge"].startswith("ch_")
        assert intent["last_payment_error"] is None
        assert abs(intent["created"] - time.time()) < 60
        by_metadata = await api.find_intent(intent_id=None, payment_id=payment_id)
        assert by_metadata is not None
        assert by_metadata["id"] == (await self.now(api, intent))["id"] == intent["id"]
        assert await api.find_intent(intent_id=None, payment_id=PaymentId(uuid.uuid4())) is None

    async def test_the_same_request_under_its_key_is_done_once(self) -> None:
        api, refund_id = self.stripe(), RefundId(uuid.uuid4())
        requested = creation(PaymentId(uuid.uuid4()))
        intent = await api.send(requested)
        assert await api.send(requested) == intent
        back = refund(intent, 400, refund_id)
        assert await api.send(back) == await api.send(back)
        assert [each["amount"] for each in (await api.read(intent["id"])).refunds] == [400]
        assert (await self.paid(api))["id"] != intent["id"]  # what another key asks for is another payment

    async def test_an_answer_is_repeated_as_it_was_whatever_came_after_it(self) -> None:
        api = self.stripe()
        requested = creation(PaymentId(uuid.uuid4()), confirm=False)
        first = await api.send(requested)
        await api.send(request(TaskOperation.CANCEL_INTENT, first))
        assert (await api.send(requested))["status"] == "requires_confirmation"
        assert (await self.now(api, first))["status"] == "canceled"

    async def test_another_request_under_a_key_is_refused_and_not_done(self) -> None:
        api, key, other = self.stripe(), str(uuid.uuid4()), uuid.uuid4()
        intent = await api.send(creation(PaymentId(uuid.uuid4()), key=key))
        for sent in (creation(PaymentId(other), key=key), refund(intent, 400, RefundId(other), key=key)):
            with pytest.raises(stripe.IdempotencyError) as refusal:
                await api.send(sent)
            assert refusal.value.http_status == 400
            assert "idempotency_error" in str(refusal.value.json_body)
        assert await api.find_intent(intent_id=None, payment_id=PaymentId(other)) is None
        assert await api.find_refund(intent_id=intent["id"], refund_id=RefundId(other)) is None

    @pytest.mark.parametrize("after_effect", [False, True])
    async def test_a_failure_of_stripe_stays_for_its_key(self, *, after_effect: bool) -> None:
        api, payment_id = self.stripe(), PaymentId(uuid.uuid4())
        requested = creation(payment_id)
        await self.fail_next(after_effect=after_effect)
        for _ in range(2):
            with pytest.raises(stripe.APIError) as failure:
                await api.send(requested)
            assert failure.value.http_status == 500
        assert isinstance(classify_error(failure.value), UnknownOutcome), "sent again, it tells nothing"
        now = time.time()
        listed = await api.list_intent(payment_id, created_from=now - 60, created_to=now)
        assert (listed is not None) is after_effect
        other = await api.send(creation(payment_id))
        assert listed is None or listed["id"] != other["id"], "another key is another payment"

    async def test_a_decline_shows_its_intent_and_is_repeated(self) -> None:
        api, payment_id = self.stripe(), PaymentId(uuid.uuid4())
        requested = creation(payment_id, payment_method="pm_card_chargeDeclined")
        shown = []
        for _ in range(2):
            with pytest.raises(stripe.CardError) as declined:
                await api.send(requested)
            outcome = classify_error(declined.value)
            assert isinstance(outcome, Refused)
            assert outcome.is_decline
            fault = outcome.fault
            assert (fault.status, fault.code, fault.decline_code) == (402, "card_declined", "generic_decline")
            assert fault.intent is not None
            shown.append((fault.intent["id"], fault.charge_id))
        assert shown[0] == shown[1]
        intent = await api.find_intent(intent_id=None, payment_id=payment_id)
        assert intent is not None
        assert (intent["id"], intent["status"]) == (shown[0][0], "requires_payment_method")
        assert intent["last_payment_error"]["decline_code"] == "generic_decline"

    async def test_after_a_decline_another_card_pays(self) -> None:
        api, payment_id = self.stripe(), PaymentId(uuid.uuid4())
        with pytest.raises(stripe.CardError):
            await api.send(creation(payment_id, payment_method="pm_card_chargeDeclined"))
        intent = await api.find_intent(intent_id=None, payment_id=payment_id)
        assert intent is not None
        with pytest.raises(stripe.CardError):
            await api.send(request(TaskOperation.CONFIRM_INTENT, intent, payment_method="pm_card_chargeDeclined"))
        paid = await api.send(request(TaskOperation.CONFIRM_INTENT, intent, payment_method="pm_card_visa"))
        assert (paid["id"], paid["status"], paid["last_payment_error"]) == (intent["id"], "succeeded", None)

    async def test_a_hold_is_captured_once_and_no_more_than_it_is(self) -> None:
        api = self.stripe()
        held = await self.paid(api, capture_method="manual")
        assert (held["status"], held["amount_capturable"], held["amount_received"]) == ("requires_capture", AMOUNT, 0)
        too_much = request(TaskOperation.CAPTURE_INTENT, held, amount_to_capture=AMOUNT + 1)
        assert await refused(api, too_much) == (400, "amount_too_large")
        captured = await api.send(request(TaskOperation.CAPTURE_INTENT, held, amount_to_capture=600))
        assert (captured["status"], captured["amount_received"], captured["amount_capturable"]) == ("succeeded", 600, 0)
        again = request(TaskOperation.CAPTURE_INTENT, held, amount_to_capture=400)
        assert await refused(api, again) == (400, "payment_intent_unexpected_state")

    async def test_a_confirmation_of_a_hold_holds(self) -> None:
        api = self.stripe()
        opened = await self.paid(api, confirm=False, capture_method="manual")
        assert (opened["status"], opened["latest_charge"]) == ("requires_confirmation", None)
        held = await api.send(request(TaskOperation.CONFIRM_INTENT, opened))
        assert (held["status"], held["amount_capturable"]) == ("requires_capture", AMOUNT)
        again = request(TaskOperation.CONFIRM_INTENT, opened)
        assert await refused(api, again) == (400, "payment_intent_unexpected_state")

    async def test_an_open_payment_is_canceled_and_a_paid_one_is_not(self) -> None:
        api = self.stripe()
        for opened in (await self.paid(api, confirm=False), await self.paid(api, capture_method="manual")):
            canceled = await api.send(request(TaskOperation.CANCEL_INTENT, opened, cancellation_reason="abandoned"))
            assert (canceled["status"], canceled["amount_capturable"]) == ("canceled", 0)
            for operation in (TaskOperation.CANCEL_INTENT, TaskOperation.CONFIRM_INTENT):
                assert await refused(api, request(operation, opened)) == (400, "payment_intent_unexpected_state")
        paid = await self.paid(api)
        assert await refused(api, request(TaskOperation.CANCEL_INTENT, paid)) == (
            400,
            "payment_intent_unexpected_state",
        )
        assert (await self.now(api, paid))["status"] == "succeeded"

    async def test_a_refund_is_found_by_our_id_within_its_payment(self) -> None:
        api, refund_id = self.stripe(), RefundId(uuid.uuid4())
        intent, other = await self.paid(api), await self.paid(api)
        done = await api.send(refund(intent, 400, refund_id))
        assert (done["amount"], done["currency"], done["status"]) == (400, "usd", "succeeded")
        assert done["payment_intent"] == intent["id"]
        found = await api.find_refund(intent_id=intent["id"], refund_id=refund_id)
        assert found is not None
        assert found["id"] == done["id"]
        assert await api.find_refund(intent_id=intent["id"], refund_id=RefundId(uuid.uuid4())) is None
        assert await api.find_refund(intent_id=other["id"], refund_id=refund_id) is None

    async def test_no_more_is_refunded_than_was_paid(self) -> None:
        api, refund_id = self.stripe(), RefundId(uuid.uuid4())
        intent = await self.paid(api)
        await api.send(refund(intent, 400, RefundId(uuid.uuid4())))
        assert (await refused(api, refund(intent, 601, refund_id)))[0] == 400
        await api.send(refund(intent, 600, RefundId(uuid.uuid4())))
        assert await refused(api, refund(intent, 1, refund_id)) == (400, "charge_already_refunded")
        assert (await refused(api, refund(await self.paid(api, confirm=False), 1, refund_id)))[0] == 400
        assert await api.find_refund(intent_id=intent["id"], refund_id=refund_id) is None

    async def test_what_is_not_there_is_said_to_be_missing(self) -> None:
        api, missing = self.stripe(), (404, "resource_missing")
        assert await refused(api, request(TaskOperation.CONFIRM_INTENT, NO_SUCH_INTENT)) == missing
        assert await refused(api, request(TaskOperation.CAPTURE_INTENT, NO_SUCH_INTENT, amount_to_capture=1)) == missing
        assert await refused(api, request(TaskOperation.CANCEL_INTENT, NO_SUCH_INTENT)) == missing
        assert await refused(api, refund(NO_SUCH_INTENT, 1, RefundId(uuid.uuid4()))) == missing
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await api.find_intent(intent_id=NO_SUCH_INTENT, payment_id=PaymentId(uuid.uuid4()))
        assert (refusal.value.http_status, refusal.value.code) == missing
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            await api.read(NO_SUCH_INTENT)
        assert (refusal.value.http_status, refusal.value.code) == missing

    async def test_intents_are_listed_by_when_they_were_created(self) -> None:
        api, payment_id, now = self.stripe(), PaymentId(uuid.uuid4()), time.time()
        await self.paid(api)
        intent = await api.send(creation(payment_id))
        await self.paid(api)
        found = await api.list_intent(payment_id, created_from=now - 60, created_to=now + 60)
        assert found is not None
        assert found["id"] == intent["id"]
        assert await api.list_intent(payment_id, created_from=now - 3600, created_to=now - 60) is None
        assert await api.list_intent(payment_id, created_from=now + 60, created_to=now + 3600) is None
        assert await api.list_intent(PaymentId(uuid.uuid4()), created_from=now - 60, created_to=now + 60) is None

    async def test_nothing_is_begun_after_its_time(self) -> None:
        api, payment_id, now = self.stripe(), PaymentId(uuid.uuid4()), time.time()
        with pytest.raises(LeaseExpired):
            await api.send(creation(payment_id), not_after=now - 1)
        with pytest.raises(LeaseExpired):
            await api.list_intent(payment_id, created_from=now - 60, created_to=now + 60, not_after=now - 1)
        assert await api.find_intent(intent_id=None, payment_id=payment_id) is None

    async def test_a_payment_is_read_with_what_belongs_to_it(self) -> None:
        api = self.stripe()
        intent, other = await self.paid(api), await self.paid(api)
        for amount in (300, 200):
            await api.send(refund(intent, amount, RefundId(uuid.uuid4())))
        await api.send(refund(other, 100, RefundId(uuid.uuid4())))
        reading = await api.read(intent["id"])
        assert (reading.intent["id"], reading.intent["status"]) == (intent["id"], "succeeded")
        assert sorted(each["amount"] for each in reading.refunds) == [200, 300]
        assert reading.disputes == ()
        unpaid = await api.read((await self.paid(api, confirm=False))["id"])
        assert (unpaid.refunds, unpaid.disputes) == ((), ())
