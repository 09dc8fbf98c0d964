"""Refunds at the same instant never give back more than was taken."""

import httpx
import pytest

from tests.support.system import System, new_key, run_concurrently
from tests.support.waiting import answered

pytestmark = pytest.mark.race


async def a_payment(system: System, amount_cents: int) -> str:
    answer = await system.create(amount_cents=amount_cents, wait=10)
    assert answer.json()["status"] == "succeeded"
    return str(answer.json()["id"])


@pytest.mark.parametrize("attempt", range(5))
async def test_of_two_refunds_of_60_on_100_one_wins(system: System, attempt: int) -> None:
    payment_id = await a_payment(system, 100)
    answers = await run_concurrently(2, lambda _: system.refund(payment_id, 60, key=new_key()))
    winner, loser = sorted(answers, key=lambda answer: answer.status_code)
    assert winner.status_code == httpx.codes.ACCEPTED
    assert loser.status_code == httpx.codes.UNPROCESSABLE_ENTITY, attempt
    problem = loser.json()
    assert problem["code"] == "refund_amount_exceeds_refundable"
    assert problem["amount_refundable_cents"] == 40
    payment = await system.finished(payment_id, min_position=winner.json()["position"])
    assert payment["amount_refunded_cents"] == 60
    assert [refund["amount"] for refund in await system.refunds(payment_id)] == [60]


async def test_thirty_refunds_of_ten_on_100_give_back_exactly_100(system: System) -> None:
    payment_id = await a_payment(system, 100)
    keys = [new_key() for _ in range(30)]
    answers = await run_concurrently(30, lambda index: answered(lambda: system.refund(payment_id, 10, key=keys[index])))
    accepted = [answer for answer in answers if answer.is_success]
    assert len(accepted) == 10
    newest = max(answer.json()["position"] for answer in accepted)
    assert (await system.finished(payment_id, min_position=newest))["amount_refunded_cents"] == 100
    assert sum(refund["amount"] for refund in await system.refunds(payment_id)) == 100


async def test_one_refund_sent_by_twenty_clients_with_one_key_is_one_refund(system: System) -> None:
    payment_id, key = await a_payment(system, 1000), new_key()
    answers = await run_concurrently(20, lambda _: system.refund(payment_id, 300, key=key))
    assert {answer.status_code for answer in answers} <= {202, 409}
    again = await system.refund(payment_id, 300, key=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {answer.json()["refund_id"] for answer in answers if answer.is_success} == {again.json()["refund_id"]}
    payment = await system.finished(payment_id, min_position=again.json()["position"])
    assert payment["amount_refunded_cents"] == 300
    assert len(await system.refunds(payment_id)) == 1


@pytest.mark.parametrize("attempt", range(5))
async def test_capture_racing_cancel_has_one_winner(system: System, attempt: int) -> None:
    answer = await system.create(amount_cents=1000, capture_method="manual", wait=10)
    payment_id = answer.json()["id"]
    assert answer.json()["status"] == "requires_capture", attempt
    actions = ("capture", "cancel")
    answers = await run_concurrently(2, lambda index: system.post(payment_id, actions[index], key=new_key()))
    assert sorted(answer.is_success for answer in answers) == [False, True]
    won = actions[[answer.is_success for answer in answers].index(True)]

    payment = await system.finished_as(payment_id, {"capture": "succeeded", "cancel": "canceled"}[won])
    (charge,) = await system.charges(payment_id)
    assert charge["amount_captured"] == payment["amount_captured_cents"] == (1000 if won == "capture" else 0)
