"""Webhook endpoints over the API: https://docs.stripe.com/api/webhook_endpoints."""

from typing import Any

import httpx
import pytest

from infra.stripe_sandbox.app import Sandbox, build_sandbox
from infra.stripe_sandbox.client import SandboxAdmin
from infra.stripe_sandbox.ids import account_of
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.version import API_VERSION
from infra.stripe_sandbox.webhooks.endpoints import Endpoint
from infra.stripe_sandbox.webhooks.operations import MAX_ENDPOINTS
from tests.unit.infra.stripe_sandbox.stripe_http import SECRET_KEY, Clock, StripeHttp
from tests.unit.infra.stripe_sandbox.test_webhooks import believed
from tests.unit.infra.stripe_sandbox.webhook_receiver import Receiver

PATH = "/v1/webhook_endpoints"
SHOP: dict[str, Any] = {"url": "https://shop.test/webhooks", "enabled_events": ["payment_intent.succeeded"]}


async def made(api: StripeHttp, **params: Any) -> dict[str, Any]:
    response = await api.post(PATH, **{**SHOP, **params})
    assert response.status_code == 200, response.text
    endpoint: dict[str, Any] = response.json()
    return endpoint


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


async def test_the_secret_of_a_new_one_is_told_once(stripe_http: StripeHttp) -> None:
    endpoint = await made(stripe_http, description="The shop", metadata={"team": "books"})

    assert endpoint["secret"].startswith("whsec_")
    shown = await stripe_http.show(f"{PATH}/{endpoint['id']}")
    assert shown == {name: value for name, value in endpoint.items() if name != "secret"}
    assert (shown["description"], shown["metadata"]) == ("The shop", {"team": "books"})
    assert "secret" not in str(await stripe_http.data(PATH))


async def test_what_happens_goes_there_signed_with_its_secret(
    sandbox: Sandbox, stripe_http: StripeHttp, receiver: Receiver
) -> None:
    endpoint = await made(stripe_http)
    await stripe_http.pay()

    await sandbox.dispatcher.deliver_due()

    assert [url for url, _ in receiver.sent] == [SHOP["url"]]
    assert receiver.types == ["payment_intent.succeeded"]
    assert believed(receiver.messages[0], endpoint["secret"])
    assert not believed(receiver.messages[0], "whsec_other")


async def test_another_accounts_payments_do_not_go_there(
    sandbox: Sandbox, stripe_http: StripeHttp, receiver: Receiver
) -> None:
    endpoint = await made(stripe_http, secret_key="sk_test_other")
    await stripe_http.pay()

    await sandbox.dispatcher.deliver_due()

    assert receiver.sent == []
    assert (await stripe_http.get(f"{PATH}/{endpoint['id']}")).status_code == 404


async def test_it_can_be_changed_and_switched_off_and_on(
    sandbox: Sandbox, stripe_http: StripeHttp, receiver: Receiver
) -> None:
    one = f"{PATH}/{(await made(stripe_http, description='old', metadata={'a': '1'}))['id']}"

    changed = (
        await stripe_http.post(
            one, url="https://new.test", enabled_events=["*"], description="", metadata={"b": "2"}, disabled=True
        )
    ).json()
    await stripe_http.pay()
    await sandbox.dispatcher.deliver_due()
    sent_while_off = list(receiver.sent)
    on_again = (await stripe_http.post(one, disabled=False)).json()
    await stripe_http.pay()
    await sandbox.dispatcher.deliver_due()

    assert (changed["url"], changed["status"], changed["description"]) == ("https://new.test", "disabled", None)
    assert changed["metadata"] == {"a": "1", "b": "2"}
    assert "secret" not in changed
    assert sent_while_off == []
    assert on_again["status"] == "enabled"
    assert {url for url, _ in receiver.sent} == {"https://new.test"}


async def test_a_deleted_one_is_gone_and_gets_nothing_more(
    sandbox: Sandbox, stripe_http: StripeHttp, admin: SandboxAdmin, receiver: Receiver
) -> None:
    endpoint = await made(stripe_http)
    one = f"{PATH}/{endpoint['id']}"
    await stripe_http.pay()

    deleted = await stripe_http.http.delete(one, headers={"Authorization": f"Bearer {SECRET_KEY}"})
    await stripe_http.pay()
    await sandbox.dispatcher.deliver_due()

    assert deleted.json() == {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
    assert receiver.sent == []
    assert (await stripe_http.get(one)).status_code == 404
    assert await stripe_http.data(PATH) == []
    again = await stripe_http.http.delete(one, headers={"Authorization": f"Bearer {SECRET_KEY}"})
    assert again.status_code == 404
    assert {each["state"] for each in await admin.deliveries()} == {"failed"}


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"url": "shop.test"}, "url", "url_invalid"),
        ({"url": ""}, "url", "parameter_invalid_empty"),
        ({"enabled_events": ["refund.*"]}, "enabled_events[0]", None),
        ({"enabled_events": "payout.paid"}, "enabled_events", None),
        ({"connect": True}, "connect", None),
        ({"secret": "whsec_mine"}, "secret", "parameter_unknown"),
    ],
)
async def test_what_is_no_endpoint_is_refused(
    stripe_http: StripeHttp, wrong: dict[str, Any], param: str, code: str | None
) -> None:
    error = (await stripe_http.post(PATH, **{**SHOP, **wrong})).json()["error"]

    assert (error["type"], error["param"], error.get("code")) == ("invalid_request_error", param, code)
    assert await stripe_http.data(PATH) == []


@pytest.mark.parametrize("lacking", ["url", "enabled_events"])
async def test_its_address_and_its_events_have_to_be_said(stripe_http: StripeHttp, lacking: str) -> None:
    said = {name: value for name, value in SHOP.items() if name != lacking}
    error = (await stripe_http.post(PATH, **said)).json()["error"]
    assert (error["code"], error["param"]) == ("parameter_missing", lacking)


async def test_an_account_has_only_so_many(stripe_http: StripeHttp) -> None:
    for _ in range(MAX_ENDPOINTS):
        await made(stripe_http)
    refused = await stripe_http.post(PATH, **SHOP)
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "You have reached the maximum of 16 test webhook endpoints."


async def test_those_of_the_settings_cannot_be_changed_over_the_api(clock: Clock) -> None:
    configured = Endpoint(id="we_from_the_settings", created=0, url="https://all.test", secrets=["whsec_1"])
    store = Store()
    api = StripeHttp(build_sandbox(store, clock=clock, endpoints=[configured]))
    one = f"{PATH}/{configured.id}"

    changed = await api.post(one, disabled=True)
    deleted = await api.http.delete(one, headers={"Authorization": f"Bearer {SECRET_KEY}"})

    assert (changed.status_code, deleted.status_code) == (400, 400)
    assert (await api.show(one))["status"] == "enabled"
    await api.http.aclose()
    store.close()
