import asyncio
from typing import Any

import pytest
import pytest_asyncio

from infra.stripe_sandbox.app import Sandbox, build_sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.idempotency import KEPT_FOR_S
from infra.stripe_sandbox.latency import Delays
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.params import spec
from infra.stripe_sandbox.payment_methods import PaymentMethod
from infra.stripe_sandbox.store import Store
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp

INTENTS = "/v1/payment_intents"


async def test_the_same_request_again_gets_the_same_answer(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    first = await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    again = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    assert again.status_code == first.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert again.headers["request-id"] != first.headers["request-id"]
    assert len(await admin.charges()) == 1


async def test_the_order_of_parameters_does_not_matter(stripe_http: StripeHttp) -> None:
    first = await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    again = await stripe_http.post(INTENTS, key="k1", **dict(reversed(PAYMENT.items())))

    assert again.content == first.content


async def test_a_decline_is_repeated_rather_than_tried_again(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    declined = {**PAYMENT, "payment_method": "pm_card_chargeDeclined"}

    first = await stripe_http.post(INTENTS, key="k1", **declined)
    again = await stripe_http.post(INTENTS, key="k1", **declined)

    assert again.status_code == 402
    assert again.content == first.content
    assert len(await admin.charges()) == 1


async def test_a_refusal_after_execution_began_is_kept(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    params = {"payment_intent": intent["id"], "amount": 2000}

    first = await stripe_http.post("/v1/refunds", key="k1", **params)
    again = await stripe_http.post("/v1/refunds", key="k1", **params)

    assert again.status_code == 400
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


async def test_bad_parameters_do_not_use_the_key_up(stripe_http: StripeHttp) -> None:
    for wrong in ({"amount": 10}, {"colour": "red"}, {"amount": "x"}):
        refused = await stripe_http.post(INTENTS, key="k1", **{**PAYMENT, **wrong})
        assert refused.status_code == 400

    accepted = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    assert accepted.status_code == 200
    assert "idempotent-replayed" not in accepted.headers


@pytest.mark.parametrize("other", [{"amount": 2000}, {"metadata": {"x": "1"}}])
async def test_other_parameters_under_a_used_key_are_a_mismatch(stripe_http: StripeHttp, other: dict[str, Any]) -> None:
    await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    refused = await stripe_http.post(INTENTS, key="k1", **{**PAYMENT, **other})

    assert refused.status_code == 400
    assert refused.json()["error"]["type"] == "idempotency_error"
    assert refused.json()["error"]["message"] == (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using "
        "a key other than 'k1' if you meant to execute a different request."
    )


async def test_another_endpoint_under_a_used_key_is_a_mismatch(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(capture_method="manual")
    await stripe_http.post(f"{INTENTS}/{intent['id']}/capture", key="k1")

    refused = await stripe_http.post(f"{INTENTS}/{intent['id']}/cancel", key="k1")

    assert refused.json()["error"]["type"] == "idempotency_error"


async def test_keys_belong_to_their_account(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    other = await stripe_http.post(INTENTS, key="k1", secret_key="sk_test_other", **PAYMENT)

    assert "idempotent-replayed" not in other.headers
    assert len(await admin.charges()) == 2


async def test_while_a_request_runs_its_key_is_in_use(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    sandbox.latency.delays = Delays(before_ms=100)

    answers = await asyncio.gather(*(stripe_http.post(INTENTS, key="k1", **PAYMENT) for _ in range(50)))
    afterwards = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    done = [answer for answer in answers if answer.status_code == 200]
    in_use = [answer for answer in answers if answer.status_code == 409]
    assert len(done) == 1
    assert len(in_use) == 49
    assert in_use[0].json()["error"]["code"] == "idempotency_key_in_use"
    assert in_use[0].headers["stripe-should-retry"] == "true"
    assert afterwards.content == done[0].content
    assert len(await admin.charges()) == 1


async def test_other_parameters_while_a_request_runs_are_a_mismatch(sandbox: Sandbox, stripe_http: StripeHttp) -> None:
    sandbox.latency.delays = Delays(before_ms=50)

    first, other = await asyncio.gather(
        stripe_http.post(INTENTS, key="k1", **PAYMENT),
        stripe_http.post(INTENTS, key="k1", **{**PAYMENT, "amount": 2000}),
    )

    assert first.status_code == 200
    assert other.status_code == 400
    assert other.json()["error"]["type"] == "idempotency_error"


async def test_reading_takes_no_key(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay()
    headers = {"Authorization": "Bearer sk_test_unit", "Idempotency-Key": "k1"}

    await stripe_http.http.get(f"{INTENTS}/{intent['id']}", headers=headers)
    written = await stripe_http.post(INTENTS, key="k1", **PAYMENT)

    assert written.status_code == 200


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_keys_have_a_length(stripe_http: StripeHttp, key: str) -> None:
    refused = await stripe_http.post(INTENTS, key=key, **PAYMENT)

    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith("Idempotency Key must be")


class TestServerFaults:
    """What is kept when the server itself breaks in the middle of a request."""

    @pytest_asyncio.fixture
    async def broken(self, store: Store) -> StripeHttp:
        self.runs = 0

        def run(call: Call) -> Reply:
            self.runs += 1
            call.store.insert(call.account, PaymentMethod(id="pm_1", created=call.now, card_name="pm_card_visa"))
            raise RuntimeError("disk on fire")

        breaking = ApiOperation(method="POST", path="/v1/break", accepts=spec(), run=run)
        return StripeHttp(build_sandbox(store, extra_operations=[breaking]))

    async def test_a_500_is_kept_and_its_effects_are_undone(self, broken: StripeHttp, store: Store) -> None:
        first = await broken.post("/v1/break", key="k1")
        again = await broken.post("/v1/break", key="k1")

        assert first.status_code == again.status_code == 500
        assert first.json()["error"]["type"] == "api_error"
        assert "disk on fire" not in first.text
        assert again.headers["idempotent-replayed"] == "true"
        assert first.headers["stripe-should-retry"] == "false"
        assert self.runs == 1
        assert store.counts() == {}


async def test_a_key_is_forgotten_after_a_day_and_a_reuse_is_a_new_charge(
    stripe_http: StripeHttp, admin: SandboxAdmin
) -> None:
    first = await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    await admin.advance(KEPT_FOR_S - 1)
    again = await stripe_http.post(INTENTS, key="k1", **PAYMENT)
    await admin.advance(1)
    anew = await stripe_http.post(INTENTS, key="k1", **{**PAYMENT, "amount": 2000})
    repeated = await stripe_http.post(INTENTS, key="k1", **{**PAYMENT, "amount": 2000})

    assert again.content == first.content
    assert (anew.status_code, "idempotent-replayed" in anew.headers) == (200, False)
    assert repeated.content == anew.content
    assert [charge["amount"] for charge in await admin.charges()] == [1000, 2000]


async def test_old_keys_do_not_pile_up(stripe_http: StripeHttp, store: Store, admin: SandboxAdmin) -> None:
    for number in range(6):
        await stripe_http.post(INTENTS, key=f"old-{number}", **PAYMENT)
    await admin.advance(KEPT_FOR_S)
    counts = []
    for number in range(4):
        await stripe_http.post(INTENTS, key=f"new-{number}", **PAYMENT)
        counts.append(store.count_keys())

    assert counts == [5, 4, 3, 4]
