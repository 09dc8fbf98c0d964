import re

import orjson
import pytest
import stripe

from consumers.stripe.translate import events as event_types
from infra.doctor.finding import Status
from infra.doctor.stripe.account import account_findings, clock_finding, unreachable, version_finding
from infra.doctor.stripe.api import NoAnswer, ask
from infra.doctor.stripe.key import key_finding
from infra.doctor.stripe.permissions import NEEDED, READS, WRITES, findings_of, permission_findings
from infra.doctor.stripe.webhooks import EVENTS, endpoint_finding, secret_finding
from infra.settings.stripe import StripeSettings
from infra.stripe.client import create_stripe
from tests.support.compose_file import ROOT
from tests.unit.infra.doctor.deployments import ACCOUNT, answer, statuses, stripe_settings, webhook_settings

PINNED = stripe.api_version
OURS = "https://pay.example/webhooks/stripe"


def endpoint(**changes: object) -> dict[str, object]:
    return {
        "id": "we_1",
        "url": OURS,
        "status": "enabled",
        "enabled_events": list(EVENTS),
        "api_version": PINNED,
    } | changes


# --- the key ---


@pytest.mark.parametrize(
    ("key", "environment", "status", "says"),
    [
        ("sk_test_1", "development", Status.OK, "a secret test key"),
        ("rk_test_1", "test", Status.OK, "a restricted test key"),
        ("sk_live_1", "production", Status.OK, "a secret live key"),
        ("rk_live_1", "production", Status.OK, "a restricted live key"),
        ("sk_test_1", "production", Status.WARNING, "no money moves"),
        ("sk_test_change_me", "development", Status.ERROR, ".env.example"),
    ],
)
def test_a_key_is_rated_by_its_kind_and_the_environment(key: str, environment: str, status: Status, says: str) -> None:
    found = key_finding(stripe_settings(key, app_env=environment))

    assert found.status is status
    assert says in found.detail
    assert (found.remedy is None) == (status is Status.OK)
    assert key not in f"{found.detail} {found.remedy}"


def test_the_sandbox_takes_the_key_of_the_example() -> None:
    assert (
        key_finding(stripe_settings("sk_test_change_me", stripe_api_base="http://127.0.0.1:8002")).status is Status.OK
    )


# --- the account ---


def account(*args: object, settings: StripeSettings | None = None, **kwargs: object) -> dict[str, Status]:
    said = answer(*args, stripe_version=PINNED, **kwargs)  # type: ignore[arg-type]
    return statuses(list(account_findings(said, settings or stripe_settings(), "https://stripe", tolerance_s=300)))


def test_all_is_well() -> None:
    assert account() == dict.fromkeys(("connection", "account", "API version", "clock"), Status.OK)


def test_the_account_is_described() -> None:
    found = list(account_findings(answer(), stripe_settings(), "https://stripe", tolerance_s=300))
    assert found[1].detail == "acct_1, NL, EUR, charges enabled"


def test_an_account_that_cannot_charge_is_an_error() -> None:
    assert account(200, ACCOUNT | {"charges_enabled": False})["account"] is Status.ERROR


def test_a_key_that_is_refused_is_an_error_of_the_account_alone() -> None:
    found = account(401, {"error": {"message": "Invalid API Key provided: sk_test_*"}})
    assert [subject for subject, status in found.items() if status is Status.ERROR] == ["account"]


def test_a_restricted_key_need_not_be_allowed_to_read_the_account() -> None:
    restricted = stripe_settings("rk_test_1")
    assert account(403, {}, settings=restricted)["account"] is Status.SKIPPED
    assert account(403, {})["account"] is Status.ERROR


def test_another_answer_is_an_error() -> None:
    assert account(503, {})["account"] is Status.ERROR


def test_an_answer_that_is_nearly_too_late_is_a_warning() -> None:
    slow = stripe_settings(stripe_timeout_ms=1000)
    assert account(settings=slow, seconds=0.6)["connection"] is Status.WARNING


def test_a_stripe_that_is_away_is_one_error() -> None:
    found = statuses(list(unreachable("https://stripe", "no answer")))
    assert found.pop("connection") is Status.ERROR
    assert set(found.values()) == {Status.SKIPPED}


@pytest.mark.parametrize(
    ("answered", "status"),
    [({"stripe_version": PINNED}, Status.OK), ({"stripe_version": "2020-08-27"}, Status.WARNING), ({}, Status.SKIPPED)],
)
def test_the_version_is_the_one_that_was_asked_for(answered: dict[str, str], status: Status) -> None:
    assert version_finding(answer(**answered), PINNED).status is status  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ahead_s", "status"),
    [
        (0, Status.OK),
        (9, Status.OK),
        (-9, Status.OK),
        (30, Status.WARNING),
        (-4000, Status.WARNING),
        (301, Status.ERROR),
    ],
)
def test_a_clock_ahead_by_the_tolerance_makes_every_webhook_too_old(ahead_s: int, status: Status) -> None:
    assert clock_finding(answer(ahead_s=ahead_s), tolerance_s=300).status is status


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_a_date_the_clock_is_not_rated(date: str) -> None:
    assert clock_finding(answer(date=date), tolerance_s=300).status is Status.SKIPPED


# --- webhooks ---


@pytest.mark.parametrize(
    ("secrets", "status"),
    [
        (["whsec_abcdefgh"], Status.OK),
        (["whsec_abcdefgh", "whsec_12345678"], Status.OK),
        (["whsec_"], Status.ERROR),
        (["abcdefghijkl"], Status.ERROR),
        (["whsec_abcdefgh", "sk_test_1234567"], Status.ERROR),
        (["whsec_change_me"], Status.ERROR),
    ],
)
def test_a_secret_is_rated_by_its_form(secrets: list[str], status: Status) -> None:
    found = secret_finding(webhook_settings(*secrets))
    assert found.status is status
    assert not any(each in f"{found.detail} {found.remedy}" for each in secrets if len(each) > len("whsec_"))


def listed(*endpoints: dict[str, object]) -> dict[str, object]:
    return {"object": "list", "data": list(endpoints)}


@pytest.mark.parametrize(
    ("endpoints", "status", "says"),
    [
        ([endpoint()], Status.OK, f"we_1 ({OURS}) sends all"),
        ([endpoint(enabled_events=["*"])], Status.OK, "sends all"),
        ([endpoint(url="https://other", id="we_0"), endpoint()], Status.OK, "we_1"),
        ([], Status.WARNING, "the account has none"),
        ([endpoint(status="disabled")], Status.WARNING, "none of 1 is enabled"),
        ([endpoint(enabled_events=[e for e in EVENTS if "dispute.c" not in e])], Status.WARNING, "dispute.created"),
        ([endpoint(url="https://other/hook")], Status.WARNING, "its path is not /webhooks/stripe"),
    ],
)
def test_an_endpoint_of_the_account_sends_what_payments_depend_on(
    endpoints: list[dict[str, object]], status: Status, says: str
) -> None:
    found = endpoint_finding(answer(200, listed(*endpoints)), production=False)
    assert found.status is status
    assert says in found.detail


def test_in_production_an_endpoint_that_is_missing_is_an_error() -> None:
    assert endpoint_finding(answer(200, listed()), production=True).status is Status.ERROR
    lacking = listed(endpoint(enabled_events=["payout.paid"]))
    assert endpoint_finding(answer(200, lacking), production=True).status is Status.ERROR


@pytest.mark.parametrize("status", [401, 403, 500])
def test_endpoints_that_may_not_be_listed_are_no_error(status: int) -> None:
    assert endpoint_finding(answer(status, {}), production=True).status is Status.SKIPPED


def test_the_events_are_those_that_are_handled_and_documented() -> None:
    assert {each for each in EVENTS if not each.startswith((*event_types.OBJECT_BY_PREFIX, "payout."))} == set(
        event_types.OBJECT_BY_TYPE
    )
    assert all(any(each.startswith(prefix) for each in EVENTS) for prefix in event_types.OBJECT_BY_PREFIX)
    documented = (ROOT / "docs/webhooks.md").read_text("utf-8")
    families = ("refund", "charge.dispute", "payout")
    assert all(f"`{family}.*`" in documented for family in families)
    others = [each for each in EVENTS if not each.startswith(tuple(f"{family}." for family in families))]
    assert [
        each for each in others if f"`{each}`" not in documented and f"`.{each.split('.')[1]}`" not in documented
    ] == []


# --- asking ---


class Transport(stripe.HTTPClient):
    """Answers every request alike."""

    name = "test"

    def __init__(self, status: int, body: str) -> None:
        super().__init__()
        self.status, self.body = status, body

    async def request_async(self, *_: object, **__: object) -> tuple[bytes, int, dict[str, str]]:
        if not self.status:
            raise stripe.APIConnectionError("no answer from Stripe: refused")
        return self.body.encode(), self.status, {"Stripe-Version": PINNED}


async def test_an_answer_is_kept_with_its_headers() -> None:
    client = create_stripe(stripe_settings(), Transport(200, orjson.dumps(ACCOUNT).decode()))
    said = await ask(client, "/v1/account")
    assert (said.status, said.body, said.headers["stripe-version"]) == (200, ACCOUNT, PINNED)


@pytest.mark.parametrize("status", [401, 403, 429, 500])
async def test_a_refusal_is_an_answer(status: int) -> None:
    client = create_stripe(stripe_settings(), Transport(status, '{"error": {"message": "no", "type": "api_error"}}'))
    said = await ask(client, "/v1/account")
    assert (said.status, said.message) == (status, "no")


@pytest.mark.parametrize(("status", "body"), [(0, ""), (200, "<html>a proxy</html>"), (200, "[]")])
async def test_what_is_no_answer_of_stripe_is_none(status: int, body: str) -> None:
    client = create_stripe(stripe_settings(), Transport(status, body))
    with pytest.raises(NoAnswer):
        await ask(client, "/v1/account")


# --- what a restricted key may do ---


class OneForbidden(stripe.HTTPClient):
    """Stripe, whose key may not read one kind of object."""

    name = "one forbidden"

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.requested: list[tuple[str, str]] = []

    async def request_async(self, method: str, url: str, *_: object, **__: object) -> tuple[bytes, int, dict[str, str]]:
        path = url.partition("://")[2].partition("?")[0].partition("/")[2]
        self.requested.append((method, f"/{path}"))
        forbidden = f"/{path}" == self.path
        body: dict[str, object] = (
            {"error": {"message": "no", "type": "invalid_request_error"}} if forbidden else {"data": []}
        )
        return orjson.dumps(body), 403 if forbidden else 200, {}


async def test_what_a_restricted_key_may_not_read_is_an_error() -> None:
    client = OneForbidden("/v1/refunds")

    reads, writes = await permission_findings(create_stripe(stripe_settings("rk_test_1"), client))

    assert (reads.subject, reads.status) == (READS, Status.ERROR)
    assert reads.detail == "the restricted key may not read Charges and Refunds"
    assert (writes.subject, writes.status) == (WRITES, Status.SKIPPED)
    assert "PaymentIntents and Charges and Refunds" in writes.detail
    assert sorted(client.requested) == sorted(("get", each.path) for each in NEEDED)


def test_what_stripe_does_not_say_of_a_key_is_skipped() -> None:
    said = {each.resource: answer(200, {}) for each in NEEDED}

    reads, _ = findings_of(said)
    unsure, _ = findings_of(said | {"Events": NoAnswer("late"), "Payouts": answer(500, {})})

    assert (reads.status, unsure.status) == (Status.OK, Status.SKIPPED)
    assert unsure.detail == "Stripe did not say whether the key may read Payouts and Events"


def test_the_permissions_are_documented() -> None:
    text = (ROOT / "docs" / "stripe-keys.md").read_text()
    documented = re.findall(r"^\| ([\w ]+) \| (read|write) \| `(rak_\w+)` \|", text, re.MULTILINE)

    ways = [(each, "write" if each.write else "read") for each in NEEDED]
    assert documented == [(each.resource, way, f"{each.permission}_{way}") for each, way in ways]
