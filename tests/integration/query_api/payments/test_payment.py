"""GET /payments/{id} on a real read model."""

import uuid
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from domain.ids import AttemptId, PaymentId, RefundId, StripeChargeId, StripeIntentId
from domain.money import Money
from domain.payment.commands import AcceptStripe, PaymentCommand, RequestRefund
from domain.payment.observations import (
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordRefundFailed,
    RecordSucceeded,
)
from domain.payment.values import CaptureMethod, DisputeStatus
from infra.embedded.ports import free_port
from infra.ids import uuid7
from infra.postgres.pool import DatabaseUnavailable, Pool
from query_api.database import create_read_pool
from schemas.http.payment_views import PaymentView
from schemas.http.times import timestamp
from tests.integration.query_api.conftest import Project, Record
from tests.support.database import Database
from tests.support.payment_histories import disputed, paid, refunded, request_payment
from tests.support.query_client import KEY, MERCHANT, OTHER_KEY, OTHER_MERCHANT, WRITE_ONLY_KEY, client_of

pytestmark = pytest.mark.integration


def usd(cents: int) -> Money:
    return Money(amount_cents=cents, currency="USD")


async def test_a_payment_shows_all_fields_of_the_contract(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    request = request_payment(
        PaymentId(uuid7()), description="Two books", customer="cus_NffrFeUfNV2Hib", statement_descriptor_suffix="BOOKS"
    )
    refund_id, failed_id = RefundId(uuid.uuid4()), uuid.uuid4()
    await record(
        [
            *paid(request),
            *refunded(refund_id, usd(300)),
            RequestRefund(refund_id=RefundId(failed_id), amount=usd(700)),
            RecordRefundFailed(
                refund_id=RefundId(failed_id), stripe_refund_id=None, code="charge_disputed", message="No."
            ),
        ]
    )
    position = await project()

    response = await client.get(f"/payments/{request.payment_id}")

    assert response.status_code == 200
    body = response.json()
    made = body["created_at"]
    assert made == timestamp(_made(request.payment_id)), "the command API tells the same moment"
    assert body["updated_at"] > made
    first, second = body["refunds"]
    assert body == {
        "id": str(request.payment_id),
        "user_id": "user_1",
        "amount_cents": 1000,
        "currency": "USD",
        "status": "succeeded",
        "stripe_payment_intent_id": f"pi_{request.payment_id.hex}",
        "idempotency_key": request.idempotency_key,
        "created_at": made,
        "description": "Two books",
        "metadata": {"order": "A-1"},
        "customer": "cus_NffrFeUfNV2Hib",
        "statement_descriptor_suffix": "BOOKS",
        "capture_method": "automatic",
        "amount_capturable_cents": 0,
        "amount_captured_cents": 1000,
        "amount_refunded_cents": 300,
        "capture_before": None,
        "refunds": [
            {
                "refund_id": str(refund_id),
                "stripe_refund_id": f"re_{refund_id.hex}",
                "status": "succeeded",
                "amount_cents": 300,
                "reason": "duplicate",
                "error": None,
                "created_at": first["created_at"],
            },
            {
                "refund_id": str(failed_id),
                "stripe_refund_id": None,
                "status": "failed",
                "amount_cents": 700,
                "reason": None,
                "error": {"code": "charge_disputed", "message": "No."},
                "created_at": second["created_at"],
            },
        ],
        "last_error": None,
        "next_action": None,
        "dispute": None,
        "contradictions": [],
        "split_payment_id": None,
        "version": 7,
        "updated_at": body["updated_at"],
    }
    assert response.headers["paystream-position"] == str(position)
    assert PaymentView.model_validate_json(response.content)


async def test_a_dispute_is_shown_as_it_stands(client: httpx.AsyncClient, record: Record, project: Project) -> None:
    request = request_payment(PaymentId(uuid7()))
    charge_id = f"ch_{request.payment_id.hex}"
    euros = Money(amount_cents=900, currency="EUR")
    await record(
        [
            *paid(request),
            disputed("du_1", charge_id, request.amount, status=DisputeStatus.WON),
            disputed("du_2", charge_id, euros, evidence_due_by=1_800_000_000),
            disputed("du_2", charge_id, euros, status=DisputeStatus.UNDER_REVIEW, withdrawn=1),
        ]
    )
    await project()

    response = await client.get(f"/payments/{request.payment_id}")

    assert response.json()["status"] == "succeeded"
    assert response.json()["dispute"] == {
        "id": "du_2",
        "status": "under_review",
        "reason": "fraudulent",
        "amount_cents": 900,
        "currency": "EUR",
        "evidence_due_by": "2027-01-15T08:00:00.000Z",
        "funds": "withdrawn",
    }
    assert PaymentView.model_validate_json(response.content)
    events = (await client.get(f"/payments/{request.payment_id}/events")).json()["data"]
    assert events[-2]["data"] == {"stripe_dispute_id": "du_2", "amount_cents": 900, "currency": "EUR"}


@pytest.mark.parametrize(
    ("status", "about"),
    [
        (DisputeStatus.NEEDS_RESPONSE, 1000),
        (DisputeStatus.LOST, 1000),
        (DisputeStatus.WON, 0),
        (DisputeStatus.WARNING_CLOSED, 0),
        (DisputeStatus.PREVENTED, 0),
    ],
)
async def test_disputes_of_a_customer_count_while_they_are_open_or_lost(
    status: DisputeStatus, about: int, client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    request = request_payment(PaymentId(uuid7()))
    await record([*paid(request), disputed("du_1", f"ch_{request.payment_id.hex}", request.amount, status=status)])
    await project()
    response = await client.get("/customer-totals", params={"user_id": request.user_id})
    (total,) = response.json()["data"]
    assert (total["disputes"], total["amount_disputed_cents"]) == (1, about)


async def test_what_stripe_says_against_the_log_is_shown_until_accepted(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    open_one, accepted = (request_payment(PaymentId(uuid7())) for _ in range(2))
    for request, *more in ((open_one,), (accepted, AcceptStripe(actor="ada", reason="seen"))):
        intent_id = f"pi_{request.payment_id.hex}"
        captured = RecordSucceeded(
            intent_id=StripeIntentId(intent_id), amount_captured=request.amount, charge_id=StripeChargeId("ch_1")
        )
        await record([request, RecordCanceled(intent_id=StripeIntentId(intent_id)), captured, *more])
    await project()

    body = (await client.get(f"/payments/{open_one.payment_id}")).json()
    (shown,) = body["contradictions"]
    assert (body["status"], body["amount_captured_cents"]) == ("canceled", 0)
    assert {name: shown[name] for name in ("stripe_id", "status", "amount_cents", "currency")} == {
        "stripe_id": f"pi_{open_one.payment_id.hex}",
        "status": "succeeded",
        "amount_cents": 1000,
        "currency": "USD",
    }
    assert "was captured, yet the payment is canceled" in shown["reason"]
    listed = (await client.get("/payments", params={"contradicted": "true"})).json()["data"]
    assert [each["id"] for each in listed] == [str(open_one.payment_id)]
    assert PaymentView.model_validate(listed[0])

    after = (await client.get(f"/payments/{accepted.payment_id}")).json()
    assert (after["status"], after["amount_captured_cents"], after["contradictions"]) == ("succeeded", 1000, [])
    events = (await client.get(f"/payments/{accepted.payment_id}/events")).json()["data"]
    assert [each["type"] for each in events[-3:]] == [
        "payment.contradicted",
        "payment.contradiction_resolved",
        "payment.succeeded",
    ]
    assert events[-2]["data"] == {
        "stripe_id": f"pi_{accepted.payment_id.hex}",
        "status": "succeeded",
        "actor": "ada",
        "reason": "seen",
    }


async def test_a_hold_shows_its_end_until_it_is_over(
    client: httpx.AsyncClient, record: Record, project: Project
) -> None:
    held, expired = (request_payment(PaymentId(uuid7()), capture_method=CaptureMethod.MANUAL) for _ in range(2))
    hold = RecordAuthorized(
        intent_id=StripeIntentId("pi_1"),
        amount=held.amount,
        charge_id=StripeChargeId("ch_1"),
        capture_before=1_800_000_000,
    )
    await record([held, hold])
    await record([expired, hold, RecordCanceled(intent_id=StripeIntentId("pi_1"), reason="expired")])
    await project()

    shown = [(await client.get(f"/payments/{each.payment_id}")).json() for each in (held, expired)]

    assert [(each["status"], each["capture_before"]) for each in shown] == [
        ("requires_capture", "2027-01-15T08:00:00.000Z"),
        ("canceled", None),
    ]


def _made(payment_id: uuid.UUID) -> datetime:
    return datetime.fromtimestamp((payment_id.int >> 80) / 1000, UTC)


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        (
            RecordAttemptFailed(
                intent_id=StripeIntentId("pi_1"),
                attempt_id=AttemptId("a"),
                code="card_declined",
                decline_code="lost_card",
                message="No.",
            ),
            "last_error",
            {"code": "card_declined", "decline_code": "lost_card", "message": "No."},
        ),
        (
            RecordActionRequired(
                intent_id=StripeIntentId("pi_1"), action_type="redirect_to_url", redirect_url="https://bank.example"
            ),
            "next_action",
            {"type": "redirect_to_url", "redirect_url": "https://bank.example"},
        ),
    ],
)
async def test_an_error_or_an_action_is_shown(
    *,
    command: PaymentCommand,
    field: str,
    value: dict[str, str],
    client: httpx.AsyncClient,
    record: Record,
    project: Project,
) -> None:
    payment_id = await record([request_payment(), command])
    await project()
    response = await client.get(f"/payments/{payment_id}")
    assert response.json()[field] == value
    assert PaymentView.model_validate_json(response.content)


@pytest.mark.parametrize(
    "payment_id",
    [
        "1bc8e1ce-28c1-45e2-9fbe-ad206fb09576",
        "nonsense",
        "0",
        "{019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071}",
        "019ab3c45d6e7f809a1b2c3d4e5f6071",
    ],
)
async def test_what_names_no_payment_is_404(payment_id: str, client: httpx.AsyncClient) -> None:
    response = await client.get(f"/payments/{payment_id}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "payment_not_found"


async def test_another_merchants_payment_is_404_like_one_that_is_not_there(
    read_pool: Pool, record: Record, project: Project
) -> None:
    payment_id = await record(paid(request_payment(merchant_id=OTHER_MERCHANT)), OTHER_MERCHANT)
    await project()
    async with client_of(read_pool, key=KEY) as mine, client_of(read_pool, key=OTHER_KEY) as theirs:
        for path in (f"/payments/{payment_id}", f"/payments/{payment_id}/events"):
            hidden, absent = await mine.get(path), await mine.get(path.replace(str(payment_id), str(uuid.uuid4())))
            assert hidden.status_code == 404
            assert {**hidden.json(), "request_id": ""} == {**absent.json(), "request_id": ""}
            assert (await theirs.get(path)).status_code == 200
        assert (await mine.get("/payments")).json()["data"] == []


async def test_keys_and_scopes_are_checked(read_pool: Pool) -> None:
    for key, status, code in (
        (None, 401, "unauthenticated"),
        ("sk_wrong", 401, "unauthenticated"),
        (WRITE_ONLY_KEY, 403, "forbidden"),
    ):
        async with client_of(read_pool, key=key) as client:
            for path in ("/payments", f"/payments/{uuid.uuid4()}", f"/payments/{uuid.uuid4()}/events"):
                response = await client.get(path)
                assert (response.status_code, response.json()["code"]) == (status, code)


async def test_without_a_key_only_the_anonymous_merchants_payments_are_shown(
    read_pool: Pool, record: Record, project: Project
) -> None:
    mine = await record(paid(request_payment()))
    other = await record(paid(request_payment(merchant_id=OTHER_MERCHANT)), OTHER_MERCHANT)
    await project()
    async with client_of(read_pool, key=None, anonymous=MERCHANT) as client:
        assert (await client.get(f"/payments/{mine}")).status_code == 200
        assert (await client.get(f"/payments/{other}")).status_code == 404
    async with client_of(read_pool, key="sk_wrong", anonymous=MERCHANT) as client:
        assert (await client.get(f"/payments/{mine}")).status_code == 401, "a wrong key is never anonymous"


async def test_an_unchanged_version_is_304(client: httpx.AsyncClient, record: Record, project: Project) -> None:
    payment_id = await record(paid(request_payment()))
    await project()
    etag = (await client.get(f"/payments/{payment_id}")).headers["etag"]
    for sent, status in ((etag, 304), (f'"1", W/{etag}', 304), ("*", 304), ('"1"', 200)):
        response = await client.get(f"/payments/{payment_id}", headers={"If-None-Match": sent})
        assert response.status_code == status
        assert response.headers["etag"] == etag
        assert bool(response.content) is (status == 200)


async def test_unknown_parameters_are_400(client: httpx.AsyncClient) -> None:
    for path in ("/payments", f"/payments/{uuid.uuid4()}", f"/payments/{uuid.uuid4()}/events"):
        response = await client.get(path, params={"staus": "succeeded"})
        assert response.status_code == 400
        assert response.json()["code"] == "invalid_request"
        assert response.json()["errors"][0]["field"] == "staus"


async def test_the_query_role_can_only_read(read_pool: Pool) -> None:
    for statement in (
        "DELETE FROM read_model.payments",
        "UPDATE read_model.payments SET version = 9",
        "SELECT * FROM event_store.events",
        "SELECT * FROM consumers.consumer_checkpoints",
        "CREATE TABLE mine (id int)",
    ):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, DatabaseUnavailable)):
            async with read_pool.connection() as conn:
                await conn.execute(statement)


async def test_a_database_that_is_away_is_503() -> None:
    port = free_port()
    async with create_read_pool(f"postgresql://nobody@127.0.0.1:{port}/none", size=1, timeout_ms=100) as pool:
        pool.timeout = 0.2
        async with client_of(pool) as client:
            for path in ("/payments", f"/payments/{uuid.uuid4()}", "/payments?min_position=3"):
                response = await client.get(path)
                assert response.status_code == 503
                assert response.json()["code"] == "database_unavailable"
                assert "retry-after" in response.headers


async def test_a_statement_that_runs_too_long_is_503(database: Database) -> None:
    async with create_read_pool(database.url("query"), size=1, timeout_ms=200) as pool:
        blocker = await psycopg.AsyncConnection.connect(database.url("owner"))
        async with blocker, client_of(pool) as client:
            await blocker.execute("LOCK TABLE read_model.payments IN ACCESS EXCLUSIVE MODE")
            response = await client.get("/payments")
            assert (response.status_code, response.json()["code"]) == (503, "query_timeout")
            await blocker.rollback()
