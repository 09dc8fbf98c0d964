"""Webhook endpoints over the API: https://docs.stripe.com/api/webhook_endpoints."""

import httpx

from infra.stripe_sandbox.app import build_sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.ids import account_of
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.version import API_VERSION
from infra.stripe_sandbox.webhooks.endpoints import Endpoint
from tests.unit.infra.stripe_sandbox.stripe_http import SECRET_KEY, Clock, StripeHttp

PATH = "/v1/webhook_endpoints"


async def test_an_endpoint_is_shown_without_its_secret(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    made = await admin.add_endpoint("https://shop.test", "whsec_hidden", enabled_events=["payout.paid"])

    shown = await stripe_http.show(f"{PATH}/{made['id']}")

    assert shown["enabled_events"] == ["payout.paid"]
    assert (shown["url"], shown["status"], shown["api_version"]) == ("https://shop.test", "enabled", API_VERSION)
    assert "secret" not in shown
    assert "whsec_hidden" not in str(shown)


async def test_they_are_listed_in_pages_newest_first(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    made = [(await admin.add_endpoint(f"https://{name}.test", "whsec_1"))["id"] for name in "abc"][::-1]

    first = await stripe_http.show(PATH, limit=2)
    rest = await stripe_http.data(PATH, starting_after=made[1])
    newer = await stripe_http.data(PATH, ending_before=made[2])

    assert ([each["id"] for each in first["data"]], first["has_more"], first["url"]) == (made[:2], True, PATH)
    assert [each["id"] for each in rest] == made[2:]
    assert [each["id"] for each in newer] == made[:2]


async def test_an_account_sees_its_own_and_those_of_the_settings(clock: Clock) -> None:
    configured = Endpoint(id="we_from_the_settings", created=0, url="https://all.test", secrets=["whsec_1"])
    store = Store()
    sandbox = build_sandbox(store, clock=clock, endpoints=[configured])
    api = StripeHttp(sandbox)
    async with SandboxAdmin("http://sandbox.test", transport=httpx.ASGITransport(sandbox.app)) as admin:
        await admin.add_endpoint("https://ours.test", "whsec_1", account=account_of(SECRET_KEY))
        theirs = await admin.add_endpoint("https://theirs.test", "whsec_1", account="acct_other")

    assert [each["url"] for each in await api.data(PATH)] == ["https://ours.test", "https://all.test"]
    assert (await api.get(f"{PATH}/{theirs['id']}")).status_code == 404
    await api.http.aclose()
    store.close()


async def test_a_disabled_one_says_so(stripe_http: StripeHttp, admin: SandboxAdmin) -> None:
    made = await admin.add_endpoint("https://shop.test", "whsec_1")
    await admin.change_endpoint(str(made["id"]), status="disabled")

    (shown,) = await stripe_http.data(PATH)
    assert shown["status"] == "disabled"


async def test_an_absent_one_is_missing_and_unknown_parameters_are_refused(
    stripe_http: StripeHttp,
) -> None:
    missing, unknown = await stripe_http.get(f"{PATH}/we_1"), await stripe_http.get(PATH, created=1)

    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")
    assert missing.json()["error"]["message"] == "No such webhook endpoint: 'we_1'"
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "parameter_unknown")
