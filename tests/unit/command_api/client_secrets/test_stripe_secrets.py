"""Reading a client secret through the SDK: what each answer of Stripe comes to."""

import asyncio
from collections.abc import Mapping

import orjson
import pytest
import stripe
from pydantic import SecretStr
from structlog.testing import capture_logs

from command_api.client_secrets.stripe_secrets import StripeClientSecrets
from command_api.stripe_reads import StripeRefused, StripeUnavailable
from domain.ids import StripeIntentId
from infra.stripe.calls import NoGuard

INTENT_ID = StripeIntentId("pi_1")
SECRET = "pi_1_secret_abc123"
INTENT = {"id": "pi_1", "object": "payment_intent", "client_secret": SECRET}


class Answering(stripe.HTTPClient):
    """A transport that gives one answer, or raises, or hangs."""

    name = "answering"

    def __init__(self, status: int = 200, body: object = None, *, hangs: bool = False) -> None:
        super().__init__()
        self._status, self._body, self._hangs = status, body, hangs
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],  # noqa: ARG002 - the SDK's signature
        post_data: object = None,  # noqa: ARG002 - the same
    ) -> tuple[bytes, int, Mapping[str, str]]:
        self.requests.append((method, url))
        if self._hangs:
            await asyncio.Event().wait()
        if self._status == 0:
            raise stripe.APIConnectionError("no route")
        return orjson.dumps(self._body), self._status, self.headers

    async def close_async(self) -> None:
        return


def secrets(transport: stripe.HTTPClient, timeout_s: float = 5) -> StripeClientSecrets:
    client = stripe.StripeClient("sk_test_1", http_client=transport, max_network_retries=0)
    return StripeClientSecrets(client, NoGuard(), timeout_s=timeout_s)


async def test_the_secret_is_that_of_the_intent() -> None:
    transport = Answering(body=INTENT)
    assert await secrets(transport).read(INTENT_ID) == SecretStr(SECRET)
    ((method, url),) = transport.requests
    assert (method, url.rpartition("/v1/")[2]) == ("get", "payment_intents/pi_1")


@pytest.mark.parametrize("status", [0, 429, 500, 503])
async def test_a_stripe_that_does_not_serve_may_be_asked_again(status: int) -> None:
    with pytest.raises(StripeUnavailable):
        await secrets(Answering(status, {"error": {"type": "api_error", "message": "no"}})).read(INTENT_ID)


async def test_a_limit_of_this_endpoint_alone_is_no_refusal() -> None:
    transport = Answering(429, {"error": {"type": "invalid_request_error", "message": "too many"}})
    transport.headers = {"Stripe-Rate-Limited-Reason": "endpoint-rate"}
    with pytest.raises(StripeUnavailable):
        await secrets(transport).read(INTENT_ID)


async def test_a_stripe_that_hangs_is_not_waited_for() -> None:
    with pytest.raises(StripeUnavailable):
        await secrets(Answering(hangs=True), timeout_s=0.01).read(INTENT_ID)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_told_and_its_text_kept_to_ourselves(status: int) -> None:
    error = {"error": {"type": "invalid_request_error", "message": f"Invalid API Key: sk_test_1 {SECRET}"}}
    with capture_logs() as logged, pytest.raises(StripeRefused) as refused:
        await secrets(Answering(status, error)).read(INTENT_ID)
    (line,) = logged
    assert (line["event"], line["status"]) == ("client_secret_not_read", status)
    assert SECRET not in f"{refused.value} {logged}"


async def test_a_key_that_may_not_see_it_is_told_so() -> None:
    with pytest.raises(StripeRefused, match="may not see client secrets"):
        await secrets(Answering(body=INTENT | {"client_secret": None})).read(INTENT_ID)
