"""GET /payments/{id}/client_secret, as a client meets it."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from command_api.stripe_reads import StripeRefused, StripeUnavailable
from domain.ids import PaymentId, StripeIntentId
from domain.payment.observations import RecordIntentCreated, RecordPaymentFailed
from domain.payment.values import PaymentStatus
from event_store.payments import command_payment
from infra.stripe.guard.errors import CircuitOpen
from tests.support.log_entries import metadata
from tests.unit.command_api.conftest import Standing
from tests.unit.command_api.problems import problem

AT_STRIPE = RecordIntentCreated(intent_id=StripeIntentId("pi_1"), status=PaymentStatus.REQUIRES_PAYMENT_METHOD)


@pytest.fixture(autouse=True)
def _nothing_is_logged_of_it() -> Iterator[None]:
    with capture_logs() as logged:
        yield
    assert "pi_1_secret" not in str(logged)


async def created(api: Standing, *observations: Any) -> str:
    """Return the id of a payment with these observations."""
    payment_id = (await api.create()).json()["id"]
    await record(api, payment_id, *observations)
    return str(payment_id)


async def record(api: Standing, payment_id: str, *observations: Any) -> None:
    for observation in observations:
        await command_payment(api.store, PaymentId(uuid.UUID(payment_id)), observation, metadata())


async def get_secret(api: Standing, payment_id: str, **headers: str) -> httpx.Response:
    return await api.client.get(f"/payments/{payment_id}/client_secret", headers=headers)


async def test_it_is_read_from_stripe_each_time_and_no_cache_may_keep_it(api: Standing) -> None:
    payment_id = await created(api, AT_STRIPE)
    for _ in range(2):
        response = await get_secret(api, payment_id)
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        assert response.json() == {
            "payment_id": payment_id,
            "stripe_payment_intent_id": "pi_1",
            "client_secret": "pi_1_secret_abc123",
        }
    assert api.secrets.requests == ["pi_1", "pi_1"]
    assert "_secret_" not in str(api.store.streams)


async def test_it_is_for_the_payments_merchant_with_the_scope_to_write(api: Standing) -> None:
    payment_id = await created(api, AT_STRIPE)
    assert problem(await get_secret(api, payment_id, Authorization="Bearer sk_other")) == (404, "payment_not_found")
    assert problem(await get_secret(api, payment_id, Authorization="Bearer sk_reader")) == (403, "forbidden")
    assert problem(await get_secret(api, payment_id, Authorization="Bearer sk_nobody")) == (401, "unauthenticated")
    assert problem(await get_secret(api, str(uuid.uuid4()))) == (404, "payment_not_found")
    assert problem(await get_secret(api, "x")) == (404, "payment_not_found")
    assert api.secrets.requests == []


async def test_a_payment_that_stripe_does_not_know_yet_has_none(api: Standing) -> None:
    response = await get_secret(api, await created(api))
    assert problem(response) == (409, "payment_not_at_stripe")
    assert response.headers["retry-after"] == "1"


async def test_a_payment_that_stripe_does_not_know_yet_is_waited_for(api: Standing) -> None:
    payment_id = await created(api)
    response = await get_secret(api, payment_id, Prefer="wait=500")
    assert problem(response) == (409, "payment_not_at_stripe")
    assert api.waiter.timeouts_s == [30]
    await record(api, payment_id, AT_STRIPE)
    newer, api.waiter.payment = api.payment(payment_id), None
    del api.store.streams[uuid.UUID(payment_id)][1:]  # it comes to Stripe while somebody waits
    api.waiter.payment = newer
    response = await get_secret(api, payment_id, Prefer="wait=5")
    assert response.json()["client_secret"] == "pi_1_secret_abc123"
    assert response.headers["preference-applied"] == "wait=5"


async def test_a_payment_that_never_came_to_stripe_will_have_none(api: Standing) -> None:
    refused = RecordPaymentFailed(code="parameter_invalid", decline_code=None, message="no")
    assert problem(await get_secret(api, await created(api, refused), Prefer="wait=9")) == (409, "payment_over")
    assert api.waiter.timeouts_s == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (StripeUnavailable("no answer"), (503, "stripe_unavailable")),
        (CircuitOpen("stripe", wait_s=2), (503, "stripe_throttled")),
        (StripeRefused("no"), (502, "stripe_refused")),
    ],
)
async def test_without_stripe_it_is_said_why(api: Standing, error: Exception, expected: tuple[int, str]) -> None:
    payment_id = await created(api, AT_STRIPE)
    api.secrets.error = error
    response = await get_secret(api, payment_id)
    assert problem(response) == expected
    assert ("retry-after" in response.headers) is (response.status_code == 503)
