"""The metric of holds that end soon, from a real read model."""

import time

import pytest

from domain.ids import StripeChargeId, StripeIntentId
from domain.payment.commands import PaymentCommand
from domain.payment.observations import RecordAuthorized, RecordCanceled
from domain.payment.values import CaptureMethod
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool
from projections.payments.holds import EXPIRING, OPEN, watched_holds
from tests.support.payment_histories import events_of, request_payment
from tests.support.read_model import load_log, project_log, store
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

HOUR = 3600


def held(ends_in_s: int) -> list[PaymentCommand]:
    request = request_payment(capture_method=CaptureMethod.MANUAL)
    capture_before = int(time.time()) + ends_in_s
    return [
        request,
        RecordAuthorized(
            intent_id=StripeIntentId("pi_1"),
            amount=request.amount,
            charge_id=StripeChargeId("ch_1"),
            capture_before=capture_before,
        ),
    ]


async def test_holds_are_counted_until_they_are_over(app: AppConnection, pool: Pool) -> None:
    canceled = [*held(2 * HOUR), RecordCanceled(intent_id=StripeIntentId("pi_1"), reason="expired")]
    streams = [events_of(each) for each in (held(100 * HOUR), held(23 * HOUR), held(-HOUR), canceled)]
    await store(app, [(events[0].payment_id, events) for events in streams])  # type: ignore[union-attr]
    await project_log(pool, await load_log(app))

    async def counted() -> tuple[float, float]:
        return OPEN._value.get(), EXPIRING.labels("24h")._value.get()

    async with watched_holds(pool):
        await eventually(counted, lambda found: found == (3, 2))
