"""What every page has: a strict policy, nothing inline, well-formed HTML, and text of others only as text."""

import re
from typing import Any

import httpx
import pytest

from back_office.web.headers import POLICY
from schemas.http.access import ApiKeyView, MerchantView
from schemas.http.dead_letters import DeadLetterView
from schemas.http.reconciliations import DiscrepancyView, ReconciliationView
from schemas.http.sagas import SagaView
from schemas.http.tasks import TaskView
from schemas.http.webhook_endpoints import WebhookEndpointView
from tests.support.html_page import HtmlPage
from tests.unit.back_office.conftest import ROLES, BackOffice
from tests.unit.back_office.fake_apis import (
    PAYMENT_ID,
    PAYOUT_ID,
    a_payment,
    a_problem,
    a_refund,
    an_event,
    away,
    example,
)

RUN_ID = example(ReconciliationView)["id"]
PAYMENT = f"/payments/{PAYMENT_ID}"
DISCREPANCY = f"/discrepancies/{example(DiscrepancyView)['id']}"
ENDPOINT = f"/webhooks/{example(WebhookEndpointView)['id']}"
MERCHANT = f"/merchants/{example(MerchantView)['id']}"
MERCHANTS_WEBHOOKS = f"{MERCHANT}/webhooks/{example(WebhookEndpointView)['id']}"
KEY = f"/api-keys/{example(ApiKeyView)['id']}"
TASK = f"/tasks/{example(TaskView)['id']}"
SAGA = f"/sagas/{example(SagaView)['id']}"
DEAD_LETTER = f"/dead-letters/{example(DeadLetterView)['id']}"
TASKS, DEAD_LETTERS, SAGAS = "/tasks", "/dead-letters", "/sagas"
PAGES = (
    *("/payments", "/payments?status=succeeded", PAYMENT, f"{PAYMENT}?version=2"),
    *(f"{PAYMENT}/refund", f"{PAYMENT}/capture", f"{PAYMENT}/cancel"),
    *("/payment-views", "/payments?columns=key&columns=amount,dispute", "/customers", "/customers?user_id=user_1"),
    *("/overview", "/overview?currency=jpy", "/payouts", f"/payouts/{PAYOUT_ID}", "/ledger", "/ledger/entries"),
    *("/reconciliations", f"/reconciliations/{RUN_ID}", "/discrepancies", "/search", "/search?q=order-1", "/system"),
    *("/disputes", "/disputes?stage=all", "/tasks", "/dead-letters", DEAD_LETTER, "/sagas", SAGA),
    *(
        "/stripe-events",
        "/webhooks",
        ENDPOINT,
        f"{PAYMENT}/history",
        "/sessions",
        "/recovery-codes",
        "/limits",
        "/rebuilds",
    ),
    *(f"{DISCREPANCY}/{name}" for name in ("explain", "resolve", "assign")),
)
AUDIT = ("/audit", "/audit/staff-log", "/audit/erasures")
OPERATORS_PAGES = (
    *("/merchants", "/merchants?search=shop", MERCHANT, f"{MERCHANT}?ended=yes", MERCHANTS_WEBHOOKS, "/operator-keys"),
    *("/new-merchant", f"/new-key?merchant_id={example(MerchantView)['id']}"),
    *(f"{KEY}/rotate", f"{KEY}/revoke", "/staff", "/staff/finance", "/dead-letters/replay?consumer=projector"),
    *(f"/staff/finance/{change}" for change in ("lock", "unlock", "end-sessions")),
)
HOSTILE = "</code><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


def hardened(answer: httpx.Response) -> None:
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_well_formed_and_holds_nothing_inline(finance: BackOffice, page: str) -> None:
    answer = await finance.browser.get(page)
    if answer.status_code == 303:
        answer = await finance.browser.get(answer.headers["location"])
    assert answer.status_code == 200
    hardened(answer)
    assert answer.headers["cache-control"] == "no-store"
    HtmlPage(answer.text)


@pytest.mark.parametrize("page", OPERATORS_PAGES)
async def test_a_page_of_operators_is_well_formed(back_office: BackOffice, page: str) -> None:
    await back_office.log_in("operator")
    hardened(await back_office.browser.get(page))
    await back_office.page(page)


@pytest.mark.parametrize("page", [*PAGES, *AUDIT, *OPERATORS_PAGES])
async def test_a_page_shows_no_object_of_the_program(back_office: BackOffice, page: str) -> None:
    await back_office.log_in("operator")
    text = (await back_office.browser.get(page, follow_redirects=True)).text
    assert re.findall(r"&lt;(?:built-in|bound|function|class) [^&]*|object at 0x[0-9a-f]+|[{]&#39;", text) == []


@pytest.mark.parametrize("page", ["/", "/login", "/nowhere", "/payments", "/health", "/static/app.css", "/favicon.ico"])
async def test_every_answer_has_the_policy(back_office: BackOffice, page: str) -> None:
    hardened(await back_office.browser.get(page))


@pytest.mark.parametrize("page", [page for page in (*PAGES, *OPERATORS_PAGES) if "?" not in page])
async def test_whoever_is_not_logged_in_is_asked_to(back_office: BackOffice, page: str) -> None:
    answer = await back_office.browser.get(page)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=%2F")
    assert back_office.query_api.requested == []


SEES: dict[str, set[str]] = {
    "/payments": set(ROLES),
    "/disputes": set(ROLES),
    "/overview": {"finance", "operator", "auditor"},
    "/payouts": {"finance", "operator", "auditor"},
    "/ledger": {"finance", "operator", "auditor"},
    "/reconciliations": {"finance", "operator", "auditor"},
    "/discrepancies": {"finance", "operator", "auditor"},
    **{path: {"finance", "operator", "auditor"} for path in ("/system", "/stripe-events", "/webhooks")},
    **{path: {"operator", "auditor"} for path in AUDIT},
    f"{PAYMENT}/refund": {"support", "finance"},
    f"{PAYMENT}/capture": {"finance"},
    f"{PAYMENT}/cancel": {"support", "finance", "operator"},
    **{f"{DISCREPANCY}/{name}": {"finance"} for name in ("explain", "resolve", "assign")},
    **{path: {"finance", "operator", "auditor"} for path in (TASKS, DEAD_LETTERS, DEAD_LETTER, SAGAS, SAGA)},
    **{f"{thing}/{name}": {"operator"} for thing in (TASK, SAGA) for name in ("retry", "give-up")},
    **{f"{DEAD_LETTER}/{name}": {"operator"} for name in ("replay", "discard")},
    f"{PAYMENT}/accept": {"operator"},
    **{path: {"finance", "operator", "auditor"} for path in ("/limits", "/rebuilds")},
    **{path: {"operator", "auditor"} for path in ("/merchants", MERCHANT, MERCHANTS_WEBHOOKS, "/operator-keys")},
    **{f"{KEY}/{name}": {"operator"} for name in ("rotate", "revoke")},
    **{path: {"operator"} for path in ("/staff", "/staff/finance", "/staff/finance/lock", "/new-merchant")},
}
NOT_IN_THE_NAVIGATION = {TASKS, DEAD_LETTERS, SAGAS, "/limits", "/rebuilds", "/operator-keys", "/new-merchant"}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_let_in_where_it_may_and_shown_no_other_way(back_office: BackOffice, role: str) -> None:
    await back_office.log_in(role)
    offered = (await back_office.page("/payments")).links
    for page, roles in SEES.items():
        answer = await back_office.browser.get(page)
        assert answer.status_code == (200 if role in roles else 403), page
        if page.count("/") == 1 and page not in NOT_IN_THE_NAVIGATION:
            assert (page in offered) == (role in roles)


async def test_what_comes_from_elsewhere_is_only_ever_text(finance: BackOffice) -> None:
    payment = a_payment(
        user_id=HOSTILE,
        idempotency_key=HOSTILE,
        description=HOSTILE,
        metadata={HOSTILE: HOSTILE},
        stripe_payment_intent_id=HOSTILE,
        last_error={"code": HOSTILE, "decline_code": HOSTILE, "message": HOSTILE},
        refunds=[a_refund(status="failed", error={"code": HOSTILE, "message": HOSTILE})],
    )
    entry = an_event(HOSTILE, actor=HOSTILE, request_id=HOSTILE, data={"reason": HOSTILE, "message": HOSTILE})
    finance.query_api.answers |= {
        f"GET {PAYMENT}": payment,
        f"GET {PAYMENT}/events": {"data": [entry], "has_more": False, "next_cursor": None},
        "GET /payments": {"data": [payment], "has_more": False, "next_cursor": None},
    }
    shown = await finance.page(PAYMENT)  # refuses what is inline or not well-formed
    assert shown.text.count(HOSTILE) >= 8
    assert HOSTILE in (await finance.page("/payments")).text
    assert HOSTILE in (await finance.page(f"{PAYMENT}/refund")).text
    sought = await finance.browser.get("/search", params={"q": HOSTILE + "x" * 300})
    assert HtmlPage(sought.text).form("/search").fields["q"].startswith(HOSTILE)


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (away, 503, "does not answer"),
        (a_problem(503, "projection_behind", Retry_After="1"), 503, "Reload in a moment"),
        (a_problem(503, "query_timeout", "Narrow the filters", Retry_After="1"), 503, "Narrow the filters"),
        (a_problem(500, "internal_error"), 503, "Try again in a moment"),
        (a_problem(404, "payment_not_found"), 404, "Check the id"),
        (a_problem(401, "unauthenticated"), 502, "BACK_OFFICE_API_KEY"),
        (a_problem(403, "forbidden"), 502, "BACK_OFFICE_API_KEY"),
        (a_problem(400, "invalid_cursor", "The cursor is not one"), 400, "The cursor is not one"),
        (httpx.Response(502, text="<html>Bad gateway"), 503, "Try again in a moment"),
    ],
)
async def test_what_an_api_refuses_is_a_page_that_says_what_to_do(
    finance: BackOffice, answer: Any, status: int, said: str
) -> None:
    finance.query_api.answers[f"GET {PAYMENT}"] = answer
    got = await finance.browser.get(PAYMENT)
    assert got.status_code == status
    hardened(got)
    assert said in HtmlPage(got.text).text


async def test_an_unforeseen_error_is_a_page_too_and_says_nothing_of_the_inside(finance: BackOffice) -> None:
    finance.query_api.answers[f"GET {PAYMENT}"] = {"nothing": "of what it needs"}
    got = await finance.browser.get(PAYMENT)
    assert got.status_code == 500
    hardened(got)
    assert "Something went wrong" in HtmlPage(got.text).text
    assert "KeyError" not in got.text
    assert got.headers["x-request-id"] in got.text


async def test_what_is_not_there_is_a_page(finance: BackOffice) -> None:
    assert "no such page" in (await finance.page("/payment", status=404)).text


PARAMETERS = {
    "endpoint_id": ENDPOINT.removeprefix("/webhooks/"),
    "payment_id": PAYMENT_ID,
    "run_id": RUN_ID,
    "thing_id": "1",
    "dead_letter_id": "7",
    "saga_id": SAGA.removeprefix("/sagas/"),
    "merchant_id": MERCHANT.removeprefix("/merchants/"),
    "name": "finance",
    "change": "lock",
}
LIVE = "/payments/{payment_id}/live"
OPEN_TO_ALL = {
    *("/", "/login", "/login/oidc", "/login/oidc/callback", "/logout"),
    *("/health", "/health/live", "/health/ready", "/metrics"),
}


def routes(back_office: BackOffice) -> list[tuple[str, str, str]]:
    """Return method, template and address of every route but of files."""
    app = back_office.app
    found = []
    for route in app.routes:
        path = str(route.path)  # type: ignore[attr-defined]
        if not path.startswith("/static") and path != "/favicon.ico":
            address = path.format(
                **{name: PARAMETERS.get(name, "x") for name in getattr(route, "param_convertors", {})}
            )
            found += [(method, path, address) for method in sorted(route.methods - {"HEAD"})]  # type: ignore[attr-defined]
    return found


async def test_every_route_is_closed_to_whoever_is_not_logged_in(back_office: BackOffice) -> None:
    for method, path, address in routes(back_office):
        if path in OPEN_TO_ALL:
            continue
        answer = await back_office.browser.request(method, address)
        if path == LIVE:
            assert answer.status_code == 401
            continue
        assert answer.status_code == 303, (method, path)
        assert answer.headers["location"].startswith("/login?next="), (method, path)
    assert back_office.query_api.requested == []
    assert back_office.command_api.requested == []


@pytest.mark.parametrize("role", ROLES)
async def test_every_route_asks_for_the_permission_that_the_table_gives(back_office: BackOffice, role: str) -> None:
    await back_office.log_in(role)
    for method, path, address in routes(back_office):
        if path in OPEN_TO_ALL or path == LIVE:  # a stream ends with its page: see payments/test_live.py
            continue
        back_office.command_api.requested.clear()
        answer = await back_office.browser.request(method, address)
        is_refused = answer.status_code == 403 and "role" in HtmlPage(answer.text).text
        assert is_refused != (role in ALLOWED[path]), (role, method, path, answer.status_code)
        assert back_office.command_api.commands() == [], "without its token no form does anything"


EVERYBODY, LOOKERS, AUDITORS = set[str](ROLES), {"finance", "operator", "auditor"}, {"operator", "auditor"}
ACCESS_LOOKERS = {"operator", "auditor"}
ALLOWED: dict[str, set[str]] = {
    **dict.fromkeys(
        ("/payments", "/payments/{payment_id}", "/payments/{payment_id}/history", "/search", "/disputes", "/sessions"),
        EVERYBODY,
    ),
    **dict.fromkeys(("/customers", "/payment-views"), EVERYBODY),
    "/exports": EVERYBODY,  # of which list: see exports/test_exports.py
    **{f"/customers/{name}": {"operator"} for name in ("personal-data", "erase", "hand-out")},
    **dict.fromkeys(("/overview", "/payouts", "/payouts/{payout_id}", "/ledger", "/ledger/entries"), LOOKERS),
    "/sessions/revoke": EVERYBODY,
    "/recovery-codes": EVERYBODY,
    "/payments/{payment_id}/refund": {"support", "finance"},
    "/payments/{payment_id}/capture": {"finance"},
    "/payments/{payment_id}/cancel": {"support", "finance", "operator"},
    "/payments/{thing_id}/accept": {"operator"},
    **dict.fromkeys(("/reconciliations", "/reconciliations/{run_id}", "/discrepancies"), LOOKERS),
    **dict.fromkeys((*AUDIT, "/audit/proofs", "/payments/{payment_id}/causes.svg"), AUDITORS),
    **{f"/discrepancies/{{thing_id}}/{name}": {"finance"} for name in ("explain", "resolve", "assign")},
    **dict.fromkeys(("/system", TASKS, DEAD_LETTERS, SAGAS), LOOKERS),
    **dict.fromkeys(("/dead-letters/{dead_letter_id}", "/sagas/{saga_id}"), LOOKERS),
    **{f"/{thing}/{{thing_id}}/{name}": {"operator"} for thing in ("tasks", "sagas") for name in ("retry", "give-up")},
    **dict.fromkeys(("/stripe-events", "/webhooks", "/webhooks/{endpoint_id}"), LOOKERS),
    "/webhooks/{endpoint_id}/deliveries/{delivery_id}/resend": {"operator"},
    **{f"/dead-letters/{{thing_id}}/{name}": {"operator"} for name in ("replay", "discard")},
    "/dead-letters/replay": {"operator"},
    **dict.fromkeys(("/limits", "/rebuilds"), LOOKERS),
    **dict.fromkeys(("/merchants", "/merchants/{merchant_id}", "/operator-keys"), ACCESS_LOOKERS),
    "/merchants/{merchant_id}/webhooks/{endpoint_id}": ACCESS_LOOKERS,
    **{f"/api-keys/{{thing_id}}/{name}": {"operator"} for name in ("rotate", "revoke")},
    **{path: {"operator"} for path in ("/new-merchant", "/new-key")},
    **{path: {"operator"} for path in ("/staff", "/staff/{name}")},
    **{f"/staff/{{thing_id}}/{name}": {"operator"} for name in ("lock", "unlock", "end-sessions")},
}


@pytest.mark.parametrize(
    "path",
    [
        *("//elsewhere.example/payments", "///elsewhere.example", "/%2Felsewhere.example/?a=b"),
        *("/%5Celsewhere.example", "/%09/elsewhere.example"),
    ],
)
async def test_a_page_that_is_not_there_leads_to_no_other_site(back_office: BackOffice, path: str) -> None:
    answer = await back_office.browser.get(httpx.URL("https://office.test").copy_with(raw_path=path.encode()))
    assert answer.status_code == 404
    # As browsers read it: https://url.spec.whatwg.org/#special-authority-ignore-slashes-state
    links = [link.replace("\t", "").replace("\\", "/") for link in HtmlPage(answer.text).links]
    assert [link for link in links if link.startswith("//")] == []
