import httpx
import pytest

from infra.stripe_sandbox.app import OPERATIONS
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.permissions import PERMISSIONS, permission_of
from infra.stripe_sandbox.version import API_VERSION
from tests.unit.infra.stripe_sandbox.stripe_http import PAYMENT, StripeHttp


async def account_for(api: StripeHttp, headers: dict[str, str]) -> httpx.Response:
    return await api.http.get("/v1/account", headers=headers)


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "You did not provide an API key."),
        ("Bearer ", "You did not provide an API key."),
        ("Digest abc", "You did not provide an API key."),
        ("Basic !!!", "You did not provide an API key."),
        ("Bearer sk_live_1234567890abcd", "Invalid API Key provided: sk_live_**********abcd"),
        ("Bearer hello", "Invalid API Key provided: *****"),
        ("Bearer pk_test_abc", "This API call cannot be made with a publishable API key."),
    ],
)
async def test_without_a_secret_test_key_there_is_no_answer(
    stripe_http: StripeHttp, authorization: str | None, message: str
) -> None:
    response = await account_for(stripe_http, {"Authorization": authorization} if authorization else {})

    assert response.status_code == 401
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["message"].startswith(message)
    assert response.headers["www-authenticate"] == 'Basic realm="Stripe"'


async def test_basic_and_bearer_name_the_same_account(stripe_http: StripeHttp) -> None:
    bearer = await account_for(stripe_http, {"Authorization": "Bearer sk_test_one"})
    basic = await account_for(stripe_http, {"Authorization": "Basic c2tfdGVzdF9vbmU6"})

    assert bearer.json()["id"] == basic.json()["id"]


async def test_each_key_is_an_account_of_its_own(stripe_http: StripeHttp) -> None:
    intent = await stripe_http.pay(metadata={"order": "7"})

    other = await stripe_http.get(f"/v1/payment_intents/{intent['id']}", secret_key="sk_test_other")
    listed = await stripe_http.get("/v1/payment_intents", secret_key="sk_test_other")
    found = await stripe_http.get(
        "/v1/payment_intents/search", secret_key="sk_test_other", query="metadata['order']:'7'"
    )

    assert other.status_code == 404
    assert listed.json()["data"] == []
    assert found.json()["data"] == []


async def test_every_answer_carries_stripes_headers(stripe_http: StripeHttp) -> None:
    response = await stripe_http.http.post(
        "/v1/payment_intents",
        data={"amount": "1000", "currency": "usd"},
        headers={"Authorization": "Bearer sk_test_x", "Stripe-Version": API_VERSION, "Idempotency-Key": "k1"},
    )

    assert response.headers["request-id"].startswith("req_")
    assert response.headers["stripe-version"] == API_VERSION
    assert response.headers["idempotency-key"] == "k1"
    assert response.headers["original-request"] == response.headers["request-id"]
    assert "idempotent-replayed" not in response.headers


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("2999-01-01.tomorrow", "Invalid Stripe API version: 2999-01-01.tomorrow"),
        ("2026-10-28.somethingelse", "Invalid Stripe API version: 2026-10-28.somethingelse"),
        (f"{API_VERSION}, {API_VERSION}", f"Invalid Stripe API version: {API_VERSION}, {API_VERSION}"),
        ("latest", "Invalid Stripe API version: latest"),
        ("2025-01-27.acacia", "The sandbox does not model the API version 2025-01-27.acacia, which Stripe has."),
        ("2019-02-19", "The sandbox does not model the API version 2019-02-19, which Stripe has."),
    ],
)
async def test_a_version_that_is_not_spoken_is_refused(stripe_http: StripeHttp, version: str, message: str) -> None:
    response = await account_for(stripe_http, {"Authorization": "Bearer sk_test_x", "Stripe-Version": version})

    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(message)
    assert response.headers["stripe-version"] == API_VERSION


async def test_its_own_account_may_be_named_and_no_other(stripe_http: StripeHttp) -> None:
    key = {"Authorization": "Bearer sk_test_x"}
    own = (await account_for(stripe_http, key)).json()["id"]

    named = await account_for(stripe_http, key | {"Stripe-Account": own})
    other = await account_for(stripe_http, key | {"Stripe-Account": "acct_other"})
    context = await account_for(stripe_http, key | {"Stripe-Context": "acct_other"})

    assert named.json()["id"] == own
    assert (other.status_code, other.json()["error"]["code"]) == (403, "account_invalid")
    assert "does not have access to account 'acct_other'" in other.json()["error"]["message"]
    assert context.json()["error"]["message"].startswith("The sandbox does not model the header Stripe-Context")


async def test_a_restricted_key_may_do_what_it_was_made_for(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    restricted = "rk_test_reader"
    intent = await stripe_http.pay()
    await admin.restrict_key(
        restricted, "rak_payment_intent_write", "rak_balance_transaction_source_read", account_of="sk_test_unit"
    )

    read = await stripe_http.get(f"/v1/payment_intents/{intent['id']}", secret_key=restricted)
    written = await stripe_http.post("/v1/payment_intents", secret_key=restricted, **PAYMENT)
    listed = await stripe_http.get("/v1/balance_transactions", secret_key=restricted)
    refused = await stripe_http.post("/v1/refunds", secret_key=restricted, key="r1", payment_intent=intent["id"])
    await admin.restrict_key(restricted, "rak_charge_write", account_of="sk_test_unit")
    refunded = await stripe_http.post("/v1/refunds", secret_key=restricted, key="r1", payment_intent=intent["id"])

    assert (read.status_code, written.status_code, listed.status_code, refunded.status_code) == (200, 200, 200, 200)
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (403, "invalid_request_error")
    assert error["message"].startswith("The provided key 'rk_test_**ader' does not have the required permissions")
    assert "Having the 'rak_charge_write' permission would allow this request to continue." in error["message"]


async def test_a_permission_that_there_is_not_cannot_be_given(admin: SandboxAdmin) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await admin.restrict_key("rk_test_x", "rak_everything_write")

    assert refused.value.response.json()["error"].startswith("no such permission: rak_everything_write; there are rak_")


def test_every_operation_needs_a_permission_that_there_is() -> None:
    assert {permission_of(each.method, each.path) for each in OPERATIONS} <= PERMISSIONS
