import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.unit.infra.stripe_sandbox.stripe_http import Clock, StripeHttp

SEARCH = "/v1/payment_intents/search"


async def found(api: StripeHttp, query: str) -> list[str]:
    response = await api.get(SEARCH, query=query)
    assert response.status_code == 200, response.text
    return [intent["id"] for intent in response.json()["data"]]


async def test_terms_are_joined_by_and(stripe_http: StripeHttp) -> None:
    small = await stripe_http.pay(metadata={"paystream_payment_id": "p1", "shop": "a b"})
    large = await stripe_http.pay(amount=5000, currency="eur", metadata={"paystream_payment_id": "p2", "shop": "a b"})

    assert await found(stripe_http, "metadata['paystream_payment_id']:'p1'") == [small["id"]]
    assert await found(stripe_http, 'metadata["shop"]:"a b"') == [large["id"], small["id"]]
    assert await found(stripe_http, "metadata['shop']:'a b' AND amount>1000") == [large["id"]]
    assert await found(stripe_http, "status:'succeeded' AND currency:'usd' AND amount:1000") == [small["id"]]
    assert await found(stripe_http, "amount<=1000 and amount>=1000") == [small["id"]]
    assert await found(stripe_http, "metadata['paystream_payment_id']:'p1' AND metadata['shop']:'b'") == []
    assert await found(stripe_http, "status:'canceled'") == []


async def test_new_intents_are_found_late_where_the_index_lags(
    stripe_http: StripeHttp, admin: SandboxAdmin, clock: Clock
) -> None:
    old = await stripe_http.pay(metadata={"shop": "a"})
    await admin.behave(search_lag_s=30)
    clock.now += 31
    new = await stripe_http.pay(metadata={"shop": "a"})
    counts = []
    for _ in range(3):
        counts.append(len(await found(stripe_http, "metadata['shop']:'a'")))
        clock.now += 15.5

    assert counts == [1, 1, 2]
    assert (await stripe_http.show(f"/v1/payment_intents/{new['id']}"))["status"] == "succeeded"
    await admin.behave(search_lag_s=0)
    assert await found(stripe_http, "metadata['shop']:'a'") == [new["id"], old["id"]]


async def test_results_come_in_pages(stripe_http: StripeHttp) -> None:
    made = [(await stripe_http.pay(metadata={"shop": "a"}))["id"] for _ in range(5)][::-1]

    first = (await stripe_http.get(SEARCH, query="metadata['shop']:'a'", limit=3)).json()
    second = (await stripe_http.get(SEARCH, query="metadata['shop']:'a'", limit=3, page=first["next_page"])).json()

    assert first["object"] == "search_result"
    assert first["url"] == SEARCH
    assert [intent["id"] for intent in first["data"]] == made[:3]
    assert first["has_more"] is True
    assert [intent["id"] for intent in second["data"]] == made[3:]
    assert (second["has_more"], second["next_page"]) == (False, None)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("hello", "We were unable to parse your search query."),
        ("status:'a' OR status:'b'", "The sandbox does not model the operator OR in a search, which Stripe has."),
        ("-status:'a'", "The sandbox does not model negation in a search, which Stripe has."),
        ("currency:'usd' AND -metadata['a']:'b'", "The sandbox does not model negation in a search, which Stripe has."),
        ("metadata['a']:null", "The sandbox does not model null in a search, which Stripe has."),
        ("metadata['a']~'b'", "The sandbox does not model substrings in a search, which Stripe has."),
        ("status>'a'", "We were unable to parse your search query."),
        ("amount:'x'", "We were unable to parse your search query."),
        ("metadata:'x'", "We were unable to parse your search query."),
        ("status:'a' AND", "We were unable to parse your search query."),
        ("colour:'red'", "Field `colour` is an unsupported search field for resource `payment_intents`."),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(stripe_http: StripeHttp, query: str, message: str) -> None:
    response = await stripe_http.get(SEARCH, query=query)

    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(message)


async def test_a_search_needs_a_query(stripe_http: StripeHttp) -> None:
    response = await stripe_http.get(SEARCH)

    assert response.json()["error"]["message"] == "Missing required param: query."
