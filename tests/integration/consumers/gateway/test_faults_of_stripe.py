"""Every fault that the sandbox shows, through the official SDK: what it is taken for, and that money moves once.

The table of outcomes itself is tested in tests/unit/consumers/gateway/test_outcomes.py.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from consumers.gateway.outcomes import (
    CallOutcome,
    Refused,
    Retryable,
    Succeeded,
    UnknownOutcome,
    classify_error,
)
from consumers.stripe.payments import StripeApi
from consumers.stripe.requests import StripeRequest
from consumers.tasks.models import TaskOperation
from domain.ids import PaymentId, RefundId, RequestId
from domain.money import Money
from domain.payment.commands import CancelPayment, CapturePayment, ConfirmPayment, RequestRefund
from domain.payment.values import CaptureMethod
from infra.postgres.pool import Pool
from infra.stripe_sandbox.client import SandboxAdmin
from tests.integration.consumers.gateway.gateway_without_kafka import Payments, a_guard, working
from tests.integration.infra.stripe_sandbox.sandbox_process import SandboxProcess, running_sandbox, stripe_sdk
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

FIVE = Money(amount_cents=500, currency="USD")
_CALL_MS = 300
_TIMEOUT_MS = 600  # longer than a call may take

# effect, its rule, what the call that meets it is taken for, and what the same call, sent again, comes to
FAULTS: list[tuple[str, dict[str, object], type[CallOutcome], type[CallOutcome]]] = [
    ("timeout_before", {"ms": _TIMEOUT_MS}, Retryable, Succeeded),
    ("timeout_after", {"ms": _TIMEOUT_MS}, Retryable, Succeeded),
    ("reset_before", {}, Retryable, Succeeded),
    ("reset_after", {}, Retryable, Succeeded),
    ("latency_after", {"ms": _TIMEOUT_MS}, Retryable, Succeeded),
    ("key_in_use", {}, Retryable, Succeeded),
    ("lock_timeout", {}, Retryable, Succeeded),
    ("rate_limit", {}, Retryable, Succeeded),
    # Stripe keeps a failure of its own for the key, and answers it again.
    ("error_before", {"should_retry": True}, Retryable, UnknownOutcome),
    ("error_before", {"should_retry": False}, UnknownOutcome, UnknownOutcome),
    ("error_after", {"should_retry": True}, Retryable, UnknownOutcome),
    ("error_after", {"should_retry": False}, UnknownOutcome, UnknownOutcome),
    ("error_after", {"status": 503}, UnknownOutcome, UnknownOutcome),
]
IDS = ["-".join([effect, *(f"{name}={value}" for name, value in rule.items())]) for effect, rule, *_ in FAULTS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    async with running_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as process:
        yield process


@pytest_asyncio.fixture
async def admin(sandbox: SandboxProcess) -> AsyncIterator[SandboxAdmin]:
    async with SandboxAdmin(sandbox.url) as client:
        await client.reset()
        yield client


@pytest_asyncio.fixture
async def api(sandbox: SandboxProcess, admin: SandboxAdmin) -> AsyncIterator[StripeApi]:  # noqa: ARG001 - a clean one
    async with stripe_sdk(sandbox.url, stripe_timeout_ms=_CALL_MS) as client:
        yield StripeApi(client, a_guard(), timeout_s=_CALL_MS / 1000)


@pytest.fixture
def payments(pool: Pool) -> Payments:
    return Payments(pool)


async def sent(api: StripeApi, request: StripeRequest) -> CallOutcome:
    try:
        return Succeeded(answer=await api.send(request))
    except Exception as error:  # noqa: BLE001 - as the worker does
        return classify_error(error)


def a_charge(**params: Any) -> StripeRequest:
    charge = {"amount": 1000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    return StripeRequest(
        operation=TaskOperation.CREATE_INTENT,
        idempotency_key=str(uuid.uuid4()),
        intent_id=None,
        params={**charge, "allowed_payment_method_types": ["card"], **params},
    )


@pytest.mark.parametrize(("effect", "rule", "first", "second"), FAULTS, ids=IDS)
async def test_a_fault_is_taken_for_what_it_is(
    api: StripeApi, admin: SandboxAdmin, *, effect: str, rule: dict[str, object], first: type, second: type
) -> None:
    await admin.add_fault(effect, method="POST", path="/v1/payment_intents", times=1, **rule)
    request = a_charge()
    assert type(await sent(api, request)) is first
    # The first may still be at work at Stripe, which then says 409.
    again = await eventually(lambda: sent(api, request), until=lambda outcome: not isinstance(outcome, Retryable))
    assert type(again) is second
    assert len(await admin.charges()) == (0 if effect == "error_before" else 1)


async def test_refusals_are_taken_for_what_they_are(sandbox: SandboxProcess, api: StripeApi) -> None:
    refused = await sent(api, a_charge(amount=1))
    assert isinstance(refused, Refused)
    assert not refused.is_decline
    declined = await sent(api, a_charge(payment_method="pm_card_chargeDeclined"))
    assert isinstance(declined, Refused)
    assert declined.is_decline
    assert declined.fault.intent is not None
    unknown_parameter = await sent(api, a_charge(colour="red"))
    assert isinstance(unknown_parameter, Retryable)
    assert unknown_parameter.alarm, "our code is wrong, not the payment"
    first = a_charge()
    await sent(api, first)
    again = StripeRequest(
        operation=first.operation,
        idempotency_key=first.idempotency_key,
        intent_id=None,
        params={**first.params, "amount": 2000},
    )
    assert type(await sent(api, again)).__name__ == "Broken"
    async with stripe_sdk(f"{sandbox.url}/elsewhere") as client:
        lost = await sent(StripeApi(client, a_guard(), timeout_s=5), a_charge())
    assert isinstance(lost, Retryable)
    assert lost.alarm


Act = Callable[[Payments, PaymentId], Awaitable[None]]


async def _refund(payments: Payments, payment_id: PaymentId) -> None:
    await payments.becomes(payment_id, "succeeded", within=30)
    await payments.command(payment_id, RequestRefund(refund_id=RefundId(uuid.uuid4()), amount=FIVE))


async def _capture(payments: Payments, payment_id: PaymentId) -> None:
    await payments.becomes(payment_id, "requires_capture", within=30)
    await payments.command(payment_id, CapturePayment(request_id=RequestId(uuid.uuid4()), amount=FIVE))


async def _cancel(payments: Payments, payment_id: PaymentId) -> None:
    await payments.becomes(payment_id, "requires_capture", within=30)
    await payments.command(payment_id, CancelPayment(request_id=RequestId(uuid.uuid4())))


async def _confirm(payments: Payments, payment_id: PaymentId) -> None:
    await payments.becomes(payment_id, "requires_confirmation", within=30)
    await payments.command(payment_id, ConfirmPayment())


async def _nothing(payments: Payments, payment_id: PaymentId) -> None:
    """The creation itself meets the fault."""


MANUAL = {"capture_method": CaptureMethod.MANUAL}
CALLS: list[tuple[str, dict[str, Any], Act, str]] = [
    ("/v1/payment_intents", {}, _nothing, "succeeded"),
    ("/v1/payment_intents/*/confirm", {"confirm": False}, _confirm, "succeeded"),
    ("/v1/payment_intents/*/capture", MANUAL, _capture, "succeeded"),
    ("/v1/payment_intents/*/cancel", MANUAL, _cancel, "canceled"),
    ("/v1/refunds", {}, _refund, "succeeded"),
]
COUNTED = ("timeout_before", "timeout_after", "reset_before", "reset_after", "key_in_use", "lock_timeout", "rate_limit")
MATRIX = [
    *((effect, {"ms": _TIMEOUT_MS} if effect.startswith("timeout") else {}) for effect in COUNTED),
    ("latency_after", {"ms": _TIMEOUT_MS}),
    ("error_after", {"should_retry": True}),
    ("error_after", {"should_retry": False}),
    ("error_after", {"status": 503}),
]


@pytest.mark.parametrize(("effect", "rule"), MATRIX)
@pytest.mark.parametrize(("path", "request_", "act", "status"), CALLS, ids=[each[0] for each in CALLS])
async def test_whatever_happens_to_a_call_it_has_its_effect_once_and_is_recorded(
    api: StripeApi,
    admin: SandboxAdmin,
    payments: Payments,
    pool: Pool,
    *,
    effect: str,
    rule: dict[str, object],
    path: str,
    request_: dict[str, Any],
    act: Act,
    status: str,
) -> None:
    await admin.add_fault(effect, method="POST", path=path, times=1, **rule)
    async with working(pool, api, lookup_after_s=0.05):
        payment_id = await payments.request(**request_)
        await act(payments, payment_id)
        await payments.becomes(payment_id, status, within=30)
        await payments.all_done(within=30)
    assert [found["fired"] for found in await admin.faults()] == [1]
    (charge,) = await admin.charges()
    state = await payments.state(payment_id)
    assert charge["amount_captured"] == state.amount_captured.amount_cents
    assert sum(int(str(refund["amount"])) for refund in await admin.refunds()) == state.amount_refunded.amount_cents
    assert state.amount_refunded.amount_cents == (500 if act is _refund else 0)


# What stands in the way of the client afterwards, and where the payment is then.
UNDONE: list[tuple[str, dict[str, Any], Act, str, str]] = [
    ("/v1/payment_intents", {}, _nothing, "failed", "payment.failed"),
    (
        "/v1/payment_intents/*/confirm",
        {"confirm": False},
        _confirm,
        "requires_payment_method",
        "payment.attempt_failed",
    ),
    ("/v1/payment_intents/*/capture", MANUAL, _capture, "requires_capture", "payment.capture_failed"),
    ("/v1/payment_intents/*/cancel", MANUAL, _cancel, "requires_capture", "payment.cancel_failed"),
    ("/v1/refunds", {}, _refund, "succeeded", "payment.refund_failed"),
]


@pytest.mark.parametrize("should_retry", [True, False])
@pytest.mark.parametrize(("path", "request_", "act", "status", "last"), UNDONE, ids=[each[0] for each in UNDONE])
async def test_what_failed_at_stripe_before_its_effect_is_looked_up_not_done(
    api: StripeApi,
    admin: SandboxAdmin,
    payments: Payments,
    pool: Pool,
    *,
    should_retry: bool,
    path: str,
    request_: dict[str, Any],
    act: Act,
    status: str,
    last: str,
) -> None:
    await admin.add_fault("error_before", method="POST", path=path, times=1, should_retry=should_retry)
    async with working(pool, api, lookup_after_s=0.05, missing_after_s=0.2):
        payment_id = await payments.request(**request_)
        await act(payments, payment_id)
        await payments.all_done(within=30)
    state, types = await payments.state(payment_id), await payments.event_types(payment_id)
    assert state.status == status
    assert types.count("payment.task_outcome_unknown") == 1
    assert types[-1] == last
    assert len(await admin.charges()) == (0 if act in {_nothing, _confirm} else 1)
    assert await admin.refunds() == []
    assert state.amount_refund_pending.amount_cents == 0, "what the refund held is free again"
