import httpx
import pytest

from tests.unit.infra.stripe_sandbox.stripe_http import StripeHttp


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
        headers={"Authorization": "Bearer sk_test_x", "Stripe-Version": "2025-01-27.acacia", "Idempotency-Key": "k1"},
    )

    assert response.headers["request-id"].startswith("req_")
    assert response.headers["stripe-version"] == "2025-01-27.acacia"
    assert response.headers["idempotency-key"] == "k1"
    assert response.headers["original-request"] == response.headers["request-id"]
    assert "idempotent-replayed" not in response.headers
