"""Split payments from end to end: all legs are paid, or none."""

import time

import httpx
import pytest

from infra.stripe_sandbox.client import SandboxAdmin
from tests.support.split_payments import DECLINED, STRONG, VISA, SplitPayments, a_split
from tests.support.system import System, new_key

pytestmark = [pytest.mark.acceptance]


@pytest.fixture
def splits(system: System) -> SplitPayments:
    return SplitPayments(system)


async def test_all_legs_are_captured_and_everything_shows(system: System, splits: SplitPayments) -> None:
    key, body = new_key(), a_split(VISA, VISA, metadata={"order": "A-1"})
    answer = await splits.create(body, key=key)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    created = answer.json()
    assert (created["status"], created["amount_cents"]) == ("authorizing", 2100)
    replay = await splits.create(body, key=key)
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert replay.json() == created

    first = await splits.shown(created["id"], min_position=created["position"])
    assert first["id"] == created["id"]
    shown = await splits.becomes(created["id"], "completed")
    assert [leg["status"] for leg in shown["legs"]] == ["captured", "captured"]
    assert shown["waits_for"] == []
    types = [each["type"] for each in shown["history"]]
    assert (types[0], types[-1]) == ("split_payment.requested", "split_payment.completed")
    assert await splits.taken(shown) == [1000, 1100]
    for leg in shown["legs"]:
        payment = await system.payment(leg["payment_id"])
        assert (payment["status"], payment["split_payment_id"]) == ("succeeded", created["id"])
    legs = await system.query.get("/payments", params={"split_payment_id": created["id"]})
    assert {each["id"] for each in legs.json()["data"]} == {leg["payment_id"] for leg in shown["legs"]}
    listed = await system.query.get("/split-payments", params={"status": "completed", "user_id": "host"})
    assert created["id"] in [each["id"] for each in listed.json()["data"]]


async def test_a_leg_is_not_captured_canceled_or_refunded_past_its_split_payment(
    system: System, splits: SplitPayments
) -> None:
    waiting = (await splits.create(a_split(VISA, DECLINED), wait=20)).json()
    assert waiting["status"] == "authorizing"
    assert [each["waits_for"] for each in waiting["waits_for"]] == ["customer"]
    held = waiting["legs"][0]["payment_id"]
    for action in ("capture", "cancel", "refund"):
        refused = await system.post(held, action)
        assert (refused.status_code, refused.json()["code"]) == (409, "payment_is_leg")
        assert refused.json()["split_payment_id"] == waiting["id"]
    canceled = await splits.post(waiting["id"], "cancel", wait=20, reason="requested_by_customer")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "compensated")
    assert await splits.held(canceled.json()) == []
    again = await splits.post(waiting["id"], "cancel")
    assert (again.status_code, again.json()["code"]) == (409, "split_payment_not_cancelable")
    assert again.json()["split_payment_status"] == "compensated"


async def test_a_refused_card_is_replaced_and_it_goes_on(system: System, splits: SplitPayments) -> None:
    waiting = (await splits.create(a_split(VISA, DECLINED, VISA), wait=20)).json()
    (wait,) = waiting["waits_for"]
    confirmed = await system.post(wait["payment_id"], "confirm", payment_method=VISA)
    assert confirmed.status_code in {200, 202}, confirmed.text
    shown = await splits.becomes(waiting["id"], "completed")
    assert await splits.taken(shown) == [1000, 1100, 1200]


async def test_a_leg_that_stripe_refuses_for_good_releases_the_others(splits: SplitPayments) -> None:
    answer = await splits.create(a_split(VISA, "pm_none", VISA), wait=20)
    shown = await splits.becomes(answer.json()["id"], "compensated")
    assert shown["compensation"]["reason"] == "leg_failed"
    assert await splits.taken(shown) == [0, 0, 0]
    assert await splits.held(shown) == []


async def test_what_does_not_come_in_time_is_released(splits: SplitPayments) -> None:
    answer = await splits.create(a_split(VISA, STRONG, expires_in_seconds=10), wait=5)
    assert [each["waits_for"] for each in answer.json()["waits_for"]] == ["customer"]
    shown = await splits.becomes(answer.json()["id"], "compensated", within=40)
    assert shown["compensation"]["reason"] == "expired"
    assert await splits.held(shown) == []


async def test_a_refund_is_spread_to_the_last_cent(splits: SplitPayments) -> None:
    created = (await splits.create(a_split(VISA, VISA, VISA, cents=(1000, 1000, 1000)), wait=20)).json()
    assert created["status"] == "completed"
    answer = await splits.post(created["id"], "refund", wait=20, amount_cents=1000, reason="requested_by_customer")
    assert answer.status_code == httpx.codes.OK, answer.text
    refund = answer.json()
    assert (refund["status"], [part["amount_cents"] for part in refund["parts"]]) == ("succeeded", [334, 333, 333])
    rest = (await splits.post(created["id"], "refund", wait=20)).json()
    assert [part["amount_cents"] for part in rest["parts"]] == [666, 667, 667]
    shown = await splits.shown(created["id"], min_position=rest["position"])
    assert await splits.taken(shown) == [0, 0, 0]
    assert shown["amount_refunded_cents"] == 3000
    too_much = await splits.post(created["id"], "refund", amount_cents=1)
    assert (too_much.status_code, too_much.json()["code"]) == (422, "split_refund_amount_exceeds_refundable")


async def test_the_legs_are_authorized_and_captured_together(system: System, splits: SplitPayments) -> None:
    legs, call_s = 20, 0.5
    async with SandboxAdmin(system.stack.urls.sandbox) as sandbox:
        await sandbox.delay(before_ms=int(call_s * 1000))
        try:
            started = time.perf_counter()
            created = await splits.create(a_split(*[VISA] * legs), wait=30)
            took_s = time.perf_counter() - started
        finally:
            await sandbox.delay(before_ms=0)
    assert created.json()["status"] == "completed", created.text
    one_after_the_other_s = legs * 2 * call_s
    assert took_s < one_after_the_other_s / 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"legs": [{"amount_cents": 1000, "payment_method": VISA}]}, "legs"),
        ({"expires_in_seconds": 5}, "expires_in_seconds"),
        ({"currency": "XXX"}, None),
    ],
)
async def test_what_makes_no_sense_is_refused(
    splits: SplitPayments, fields: dict[str, object], field: str | None
) -> None:
    answer = await splits.create({**a_split(VISA, VISA), **fields})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    if field is not None:
        assert [error["field"] for error in answer.json()["errors"]] == [field]
