"""The gateway through the official SDK, against the sandbox process: what is sent is accepted, once."""

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import stripe

from consumers.gateway.outcomes import Refused, Retryable, classify_error
from consumers.stripe.client import LeaseExpired
from consumers.stripe.payments import StripeApi
from consumers.stripe.requests import CardsBy, StripeRequest
from consumers.stripe.translate.payments import intent_observations
from consumers.tasks.models import TaskOperation
from domain.ids import AttemptId, PaymentId, RefundId, RequestId
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, RequestRefund
from domain.payment.observations import RecordAuthorized
from domain.payment.values import CaptureMethod
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, a_guard, working
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

FIVE = Money(amount_cents=500, currency="USD")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as process:
        yield process


@pytest_asyncio.fixture
async def panel(shared: SandboxProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shared.url) as client:
        await client.post("/_sandbox/reset")
        yield client


@pytest_asyncio.fixture
async def api(shared: SandboxProcess, panel: httpx.AsyncClient) -> AsyncIterator[StripeApi]:  # noqa: ARG001 - reset
    async with stripe_sdk(shared.url) as client:
        yield StripeApi(client, a_guard(), timeout_s=10)


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


async def listed(panel: httpx.AsyncClient, name: str) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = (await panel.get(f"/_sandbox/{name}")).json()
    return objects


WAYS = [
    (CardsBy.ALLOWED_TYPES, False, "succeeded"),
    (CardsBy.NO_REDIRECTS, False, "succeeded"),
    (CardsBy.ALLOWED_TYPES, True, "failed"),
    (CardsBy.NO_REDIRECTS, True, "succeeded"),
]


@pytest.mark.parametrize("way", WAYS)
async def test_a_payment_is_confirmed_without_a_return_url(
    api: StripeApi, panel: httpx.AsyncClient, payments: Payments, pool: Pool, way: tuple[CardsBy, bool, str]
) -> None:
    """Whichever way Stripe takes it, one of the two works: nobody saw the first with Stripe itself."""
    cards_by, strict, status = way
    await panel.post("/_sandbox/behaviour", json={"cards_want_return_url": strict})
    async with working(pool, api, cards_by=cards_by):
        await payments.becomes(await payments.request(), status)


async def test_a_whole_life_of_holds_captures_and_refunds(
    api: StripeApi, panel: httpx.AsyncClient, payments: Payments, pool: Pool
) -> None:
    async with working(pool, api):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL, confirm=False)
        await payments.becomes(payment_id, "requires_confirmation")
        await payments.command(payment_id, ConfirmPayment())
        state = await payments.becomes(payment_id, "requires_capture")
        assert state.capture_before is not None
        await payments.command(payment_id, CapturePayment(request_id=RequestId(uuid.uuid4())))
        await payments.becomes(payment_id, "succeeded")
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=FIVE))
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=FIVE))
        await payments.all_done()
    assert (await payments.state(payment_id)).amount_refunded == Money(amount_cents=1000, currency="USD")
    (intent,) = await listed(panel, "payment_intents")
    assert intent["metadata"] == {"order": "A-1", "paystream_payment_id": str(payment_id)}
    assert sum(refund["amount"] for refund in await listed(panel, "refunds")) == 1000


@pytest.mark.parametrize(
    ("card", "status"),
    [
        ("pm_card_visa", "succeeded"),
        ("pm_card_chargeDeclined", "requires_payment_method"),
        ("pm_card_chargeDeclinedInsufficientFunds", "requires_payment_method"),
        ("pm_card_chargeDeclinedExpiredCard", "requires_payment_method"),
        ("pm_card_chargeDeclinedStolenCard", "requires_payment_method"),
        ("pm_card_authenticationRequired", "requires_action"),
        ("pm_no_such_card", "failed"),
    ],
)
async def test_each_card_ends_as_stripe_says(
    api: StripeApi, payments: Payments, pool: Pool, card: str, status: str
) -> None:
    async with working(pool, api):
        payment_id = await payments.request(payment_method=card)
        state = await payments.becomes(payment_id, status)
        await payments.all_done()
    assert (state.last_error is None) == (status in {"succeeded", "requires_action"})
    assert (state.next_action is None) == (status != "requires_action")


async def test_an_open_payment_is_canceled(api: StripeApi, payments: Payments, pool: Pool) -> None:
    async with working(pool, api):
        payment_id = await payments.request(confirm=False)
        await payments.becomes(payment_id, "requires_confirmation")
        await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4()), reason="abandoned"))
        await payments.becomes(payment_id, "canceled")


async def test_an_answer_that_comes_too_late_leads_to_one_charge(
    shared: SandboxProcess, panel: httpx.AsyncClient, payments: Payments, pool: Pool
) -> None:
    await panel.post("/_sandbox/latency", json={"after_ms": 3000})
    async with (
        stripe_sdk(shared.url, stripe_timeout_ms=300) as client,
        working(pool, StripeApi(client, a_guard(), timeout_s=0.5)),
    ):
        payment_id = await payments.request()
        await eventually(payments.tasks, until=lambda rows: rows[0][3] is not None)
        await panel.post("/_sandbox/latency", json={"after_ms": 0})
        await payments.becomes(payment_id, "succeeded", within=30)
    assert len(await listed(panel, "payment_intents")) == len(await listed(panel, "charges")) == 1


async def test_what_was_lost_is_found_by_our_ids(api: StripeApi, payments: Payments, pool: Pool) -> None:
    refund_id = RefundId(uuid.uuid4())
    async with working(pool, api):
        payment_id = await payments.request()
        state = await payments.becomes(payment_id, "succeeded")
        await payments.command(payment_id, RequestRefund(refund_id=RefundId(refund_id)))
        await payments.all_done()
    assert state.intent_id is not None
    found = await api.find_intent(intent_id=None, payment_id=payment_id)
    assert found is not None
    assert found["id"] == state.intent_id
    assert await api.find_intent(intent_id=state.intent_id, payment_id=payment_id) is not None
    assert await api.find_intent(intent_id=None, payment_id=PaymentId(uuid.uuid4())) is None
    assert await api.find_refund(intent_id=state.intent_id, refund_id=refund_id) is not None
    assert await api.find_refund(intent_id=state.intent_id, refund_id=RefundId(uuid.uuid4())) is None


async def test_when_a_hold_ends_is_known_however_the_intent_is_found(
    api: StripeApi, payments: Payments, pool: Pool
) -> None:
    async with working(pool, api):
        payment_id = await payments.request(capture_method=CaptureMethod.MANUAL)
        state = await payments.becomes(payment_id, "requires_capture")
    window = {"created_from": time.time() - 60, "created_to": time.time() + 60}
    for found in (
        await api.find_intent(intent_id=None, payment_id=payment_id),
        await api.find_intent(intent_id=state.intent_id, payment_id=payment_id),
        await api.list_intent(payment_id, **window),
    ):
        assert found is not None
        (observation,) = intent_observations(found, attempt_id=AttemptId("a-1"))
        assert isinstance(observation, RecordAuthorized)
        assert observation.capture_before == state.capture_before is not None


async def test_a_payment_is_read_with_what_was_done_to_it_at_stripe_itself(
    shared: SandboxProcess, api: StripeApi, payments: Payments, pool: Pool
) -> None:
    async with working(pool, api):
        payment_id = await payments.request()
        state = await payments.becomes(payment_id, "succeeded")
        async with stripe_sdk(shared.url) as client, SandboxAdmin(shared.url) as admin:
            await client.v1.refunds.create_async({"payment_intent": str(state.intent_id), "amount": 300})
            await admin.dispute(str(state.charge_id), amount=700)
        await payments.refresh(payment_id)
        await payments.all_done()
    state = await payments.state(payment_id)
    assert state.amount_refunded == Money(amount_cents=300, currency="USD")
    (dispute,) = state.disputes.values()
    assert dispute.amount == Money(amount_cents=700, currency="USD")


async def test_an_intent_is_found_in_a_list_of_more_than_one_page(shared: SandboxProcess, api: StripeApi) -> None:
    ids = [uuid.uuid4() for _ in range(105)]
    async with stripe_sdk(shared.url) as client:
        began = time.time()
        for payment_id in ids:
            metadata = {"paystream_payment_id": str(payment_id)}
            await client.v1.payment_intents.create_async({"amount": 1000, "currency": "usd", "metadata": metadata})
    window = {"created_from": began - 1, "created_to": time.time() + 1}
    for payment_id in (ids[0], ids[104]):
        found = await api.list_intent(PaymentId(payment_id), **window)
        assert found is not None
        assert found["metadata"]["paystream_payment_id"] == str(payment_id)
    assert await api.list_intent(PaymentId(uuid.uuid4()), **window) is None
    assert await api.list_intent(PaymentId(ids[0]), created_from=began - 100, created_to=began - 50) is None
    with pytest.raises(LeaseExpired):
        await api.list_intent(PaymentId(ids[0]), **window, not_after=time.time() - 1)


async def test_errors_of_the_sdk_are_classified(shared: SandboxProcess, api: StripeApi) -> None:
    def request(**params: Any) -> StripeRequest:
        return StripeRequest(
            operation=TaskOperation.CREATE_INTENT, idempotency_key=str(uuid.uuid4()), intent_id=None, params=params
        )

    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.send(request(amount=1, currency="usd"))
    assert isinstance(classify_error(refused.value), Refused)
    async with stripe_sdk(shared.url, stripe_secret_key="sk_test_not-a-key") as client:
        with pytest.raises(stripe.AuthenticationError) as wrong_key:
            await StripeApi(client, a_guard(), timeout_s=5).send(request(amount=1000, currency="usd"))
    outcome = classify_error(wrong_key.value)
    assert isinstance(outcome, Retryable)
    assert outcome.alarm
    async with stripe_sdk("http://127.0.0.1:9") as client:
        with pytest.raises(stripe.APIConnectionError) as away:
            await StripeApi(client, a_guard(), timeout_s=5).send(request(amount=1000, currency="usd"))
    assert isinstance(classify_error(away.value), Retryable)
