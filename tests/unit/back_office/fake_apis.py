"""Stand-ins for the two APIs behind httpx, which answer what a test says and remember what they were requested."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from back_office.apis.client import Api
from schemas.http.access import ApiKeyList, ApiKeyView, LimitList, MerchantPage, MerchantView
from schemas.http.audit import ErasurePage, SealsView, StaffLogPage
from schemas.http.customers import CustomerTotals
from schemas.http.dead_letters import DeadLetterDetail, DeadLetterList, ReplayAnswer
from schemas.http.disputes import ListedDispute
from schemas.http.exports import ExportAnswer
from schemas.http.ledger import LedgerEntryPage, TrialBalance
from schemas.http.payment_views import PaymentView
from schemas.http.payouts import PaidTransactionPage, PayoutView
from schemas.http.privacy import ErasureAnswer, UserDataPreview
from schemas.http.reconciliations import DiscrepancyView, ReconciliationView
from schemas.http.sagas import SagaList, SagaView
from schemas.http.staff import StaffLockView, StaffSessionsEndedAnswer
from schemas.http.stripe_events import StripeEventPage
from schemas.http.system import SystemView
from schemas.http.tasks import TaskList, TaskView
from schemas.http.totals import LedgerTotals, PaymentTotals
from schemas.http.webhook_endpoints import WebhookDeliveryPage, WebhookEndpointList, WebhookEndpointView

Json = dict[str, Any]
Answer = Callable[[httpx.Request], httpx.Response]

PAYOUT_ID = "po_3PXample"
STAFF = ("support", "finance", "operator", "auditor")
CODES = [f"{number}-MFRG-GZDF-MZTW-Q2LK" for number in range(10)]
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="34"><circle r="5"/></svg>'
PAYMENT_ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"


def example(model: Any) -> Json:
    """Return the documented example of an answer."""
    found: Json = copy.deepcopy(model.model_config["json_schema_extra"]["examples"][0])
    return found


def a_payment(**changes: Any) -> Json:
    """Return a payment as the query API shows it: 10.00 USD, captured and not refunded, unless said otherwise."""
    payment = {**example(PaymentView), "amount_refunded_cents": 0, "refunds": [], **changes}
    PaymentView.model_validate(payment)
    return payment


def a_refund(**changes: Any) -> Json:
    """Return a refund of a payment."""
    return {**example(PaymentView)["refunds"][0], **changes}


def an_event(type_: str = "payment.requested", **changes: Any) -> Json:
    """Return an entry of a timeline."""
    event: Json = {
        "position": 41 + changes.get("version", 1),
        "version": 1,
        "type": type_,
        "at": "2026-11-22T19:37:00.123Z",
        "actor": "api:back-office/anna",
        "request_id": "r-1",
        "correlation_id": "c-1",
        "data": {},
    }
    return {**event, **changes}


def a_page(*data: Json, cursor: str | None = None) -> Json:
    """Return a page of a list."""
    return {"data": list(data), "has_more": cursor is not None, "next_cursor": cursor}


def a_problem(status: int, code: str, detail: str = "", **headers: str) -> httpx.Response:
    """Return a problem document."""
    body = {"status": status, "code": code, "title": code.replace("_", " ").capitalize(), "detail": detail}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def away(request: httpx.Request) -> httpx.Response:
    """Answer nothing: the process is not there."""
    raise httpx.ConnectError("refused", request=request)


@dataclass(kw_only=True)
class FakeApi:
    """One API. It knows nothing but its `answers`."""

    name: str
    answers: dict[str, Any] = field(default_factory=dict)
    requested: list[httpx.Request] = field(default_factory=list)
    sign_ins: list[httpx.Request] = field(default_factory=list)
    """What records who signed in: every log-in has one, and few tests are about them."""
    lock_reads: list[httpx.Request] = field(default_factory=list)
    """What asks who is locked: every log-in does, and pages do now and then."""

    def api(self) -> Api:
        """Return it as the back office has it."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://api.test")
        return Api(http, name=self.name)

    def commands(self) -> list[httpx.Request]:
        """Return the POST requests."""
        return [request for request in self.requested if request.method == "POST"]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self._list_of(request.url.path).append(request)
        answer = self.answers.get(f"{request.method} {request.url.path}")
        if answer is None:
            return a_problem(404, "payment_not_found")
        if callable(answer):
            answer = answer(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _list_of(self, path: str) -> list[httpx.Request]:
        if path == "/staff-locks":
            return self.lock_reads
        return self.sign_ins if path.endswith("/sign-ins") else self.requested


@dataclass(kw_only=True)
class FakeStaffLocks:
    """The locks of the staff, as a command API keeps them."""

    rows: dict[str, Json] = field(default_factory=dict)
    position: int = 40

    def answers(self) -> dict[str, Any]:
        """Return what it answers, by request."""
        return {
            "GET /staff-locks": lambda _: httpx.Response(200, json={"data": list(self.rows.values())}),
            **{f"POST /staff/{name}/lock": partial(self._changed, name, is_locked=True) for name in STAFF},
            **{f"POST /staff/{name}/unlock": partial(self._changed, name, is_locked=False) for name in STAFF},
            **{f"POST /staff/{name}/end-sessions": partial(self._ended, name) for name in STAFF},
        }

    def change(
        self, name: str, *, is_locked: bool, actor: str = "api:other/otto", reason: str = "it was stolen"
    ) -> None:
        """Lock or unlock somebody, as another process of the back office does."""
        self.position += 1
        before = self.rows.get(name, {"lock_position": 0})
        self.rows[name] = {
            "name": name,
            "is_locked": is_locked,
            "actor": actor,
            "reason": reason,
            "changed_at": "2026-11-29T09:00:00.000Z",
            "lock_position": self.position if is_locked else before["lock_position"],
        }
        StaffLockView.model_validate_json(json.dumps(self.rows[name]))

    def end_sessions(self, name: str) -> None:
        """End all sessions of somebody, as another process of the back office does."""
        if name not in self.rows:
            self.change(name, is_locked=False)
        self.position += 1
        self.rows[name]["lock_position"] = self.position

    def _ended(self, name: str, _: httpx.Request) -> httpx.Response:
        before = self.rows.get(name, {"lock_position": 0})["lock_position"]
        self.end_sessions(name)
        said = f"All sessions of {name} end."
        answer = {"said": said, "position": self.position, "position_before": before}
        StaffSessionsEndedAnswer.model_validate(answer)
        return httpx.Response(200, json=answer)

    def _changed(self, name: str, request: httpx.Request, *, is_locked: bool) -> httpx.Response:
        actor = request.headers["paystream-actor"]
        if is_locked and actor == name:
            return a_problem(409, "operation_refused", "Nobody locks themselves out: another operator can.")
        was = self.rows.get(name, {}).get("is_locked", False)
        if was == is_locked:
            said = f"{name} was locked before, by otto: left" if was else f"{name} was not locked."
            return httpx.Response(200, json={"said": said})
        self.change(name, is_locked=is_locked, actor=f"api:back-office/{actor}", reason=body_of(request)["reason"])
        return httpx.Response(200, json={"said": f"{name} is {'' if is_locked else 'un'}locked."})


def a_query_api(payment: Json | None = None, *events: Json) -> FakeApi:
    """Return a query API with one payment, and one of everything else."""
    payment = payment or a_payment()
    path = f"GET /payments/{payment['id']}"
    run, discrepancy = example(ReconciliationView), example(DiscrepancyView)
    answers = {
        "GET /payments": httpx.Response(200, json=a_page(payment), headers={"Paystream-Position": "42"}),
        path: payment,
        f"{path}/events": a_page(*(events or (an_event(),))),
        "GET /reconciliations": a_page(run),
        f"GET /reconciliations/{run['id']}": run,
        "GET /discrepancies": a_page(discrepancy),
        f"GET /discrepancies/{discrepancy['id']}": discrepancy,
        "GET /ledger/entries": a_page(),
        "GET /disputes": a_page(example(ListedDispute)),
        "GET /ledger/trial-balance": example(TrialBalance),
        "GET /ledger/totals": example(LedgerTotals),
        "GET /payment-totals": example(PaymentTotals),
        "GET /payment-count": {"count": 3, "has_more": False},
        "GET /customer-totals": example(CustomerTotals),
        "GET /payouts": a_page(example(PayoutView)),
        f"GET /payouts/{PAYOUT_ID}": example(PayoutView),
        "GET /audit/seals": example(SealsView),
        "GET /audit/staff-log": example(StaffLogPage),
        "GET /audit/erasures": example(ErasurePage),
        f"GET /audit{path.removeprefix('GET ')}/causes": httpx.Response(200, content=PICTURE),
        "GET /audit/proofs/42": httpx.Response(200, content=b"PK"),
        "GET /health": {"status": "ok", "checks": {"database": "ok"}},
    }
    return FakeApi(name="query API", answers=answers)


def a_command_api() -> FakeApi:
    """Return a command API that accepts every command about the payment."""
    accepted = {
        f"POST /payments/{PAYMENT_ID}/{action}": httpx.Response(202, json={"position": 47})
        for action in ("refund", "capture", "cancel")
    }
    endpoint, merchant, key = example(WebhookEndpointView), example(MerchantView), example(ApiKeyView)
    its_endpoints = f"GET /merchants/{merchant['id']}/webhook-endpoints"
    task, letter, saga = example(TaskView), example(DeadLetterDetail), example(SagaView)
    answers = {
        "GET /health": {"status": "ok", "checks": {"redis": "ok"}},
        "GET /system": example(SystemView),
        "GET /tasks": example(TaskList),
        f"GET /tasks/{task['id']}": task,
        "GET /dead-letters": example(DeadLetterList),
        f"GET /dead-letters/{letter['id']}": letter,
        "POST /dead-letters/replay": example(ReplayAnswer),
        "GET /sagas": example(SagaList),
        "GET /stripe-events": example(StripeEventPage),
        "GET /webhook-endpoints": example(WebhookEndpointList),
        f"GET /webhook-endpoints/{endpoint['id']}": endpoint,
        f"GET /webhook-endpoints/{endpoint['id']}/deliveries": example(WebhookDeliveryPage),
        f"GET /sagas/{saga['id']}": saga,
        f"GET /payouts/{PAYOUT_ID}/transactions": example(PaidTransactionPage),
        "GET /privacy/user-data": example(UserDataPreview),
        "POST /privacy/erasures": example(ErasureAnswer),
        "POST /privacy/exports": {"user_id": "customer_1001", "payments": [{"id": "p"}]},
        **{f"POST /staff/{name}/sign-ins": {"said": "It is recorded."} for name in STAFF},
        **FakeStaffLocks().answers(),
        **{f"GET /staff/{name}/recovery-codes": {"left": 3} for name in STAFF},
        **{f"POST /staff/{name}/recovery-codes": {"codes": CODES} for name in STAFF},
        "GET /merchants": example(MerchantPage),
        f"GET /merchants/{merchant['id']}": merchant,
        its_endpoints: example(WebhookEndpointList),
        f"{its_endpoints}/{endpoint['id']}": endpoint,
        f"{its_endpoints}/{endpoint['id']}/deliveries": example(WebhookDeliveryPage),
        "GET /api-keys": example(ApiKeyList),
        f"GET /api-keys/{key['id']}": key,
        "GET /limits": example(LimitList),
        "POST /exports": httpx.Response(201, json=example(ExportAnswer)),
    }
    return FakeApi(name="command API", answers={**accepted, **answers})


def an_entry(**changes: Any) -> Json:
    """Return an entry of the ledger."""
    return {**example(LedgerEntryPage)["data"][0], **changes}


def body_of(request: httpx.Request) -> Json:
    """Return the JSON that was sent."""
    sent: Json = json.loads(request.content)
    return sent
