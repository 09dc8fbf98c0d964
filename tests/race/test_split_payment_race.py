"""Split payments that are asked for, canceled and refunded at the same instant."""

from collections import Counter

import pytest

from tests.support.split_payments import DECLINED, VISA, SplitPayments, a_split
from tests.support.system import System, new_key, run_concurrently

pytestmark = [pytest.mark.race]


async def test_one_key_from_many_clients_makes_one_split_payment(system: System) -> None:
    splits, key, body = SplitPayments(system), new_key(), a_split(VISA, VISA)
    answers = await run_concurrently(20, lambda _: splits.create(body, key=key, wait=20))
    ids = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert {answer.status_code for answer in answers} <= {201, 409}
    (split_payment_id,) = ids
    shown = await splits.becomes(split_payment_id, "completed")
    assert await splits.taken(shown) == [1000, 1100]


async def test_cancel_racing_the_last_authorization_is_all_or_nothing(system: System) -> None:
    splits = SplitPayments(system)
    for _ in range(3):
        waiting = (await splits.create(a_split(VISA, DECLINED), wait=20)).json()
        (wait,) = waiting["waits_for"]
        confirmed = system.post(wait["payment_id"], "confirm", payment_method=VISA)
        answers = await run_concurrently(
            2,
            lambda number: splits.post(waiting["id"], "cancel") if number else confirmed,  # noqa: B023 - awaited here
        )
        assert answers[1].status_code in {200, 202, 409}
        shown = await splits.becomes_ended(waiting["id"])
        assert await splits.taken(shown) == ([1000, 1100] if shown["status"] == "completed" else [0, 0])
        assert await splits.held(shown) == []


async def test_refunds_at_once_never_exceed_what_was_taken(system: System) -> None:
    splits = SplitPayments(system)
    created = (await splits.create(a_split(VISA, VISA, cents=(1000, 1000)), wait=20)).json()
    assert created["status"] == "completed"
    answers = await run_concurrently(5, lambda _: splits.post(created["id"], "refund", wait=20, amount_cents=600))
    codes = Counter(answer.json().get("code", "accepted") for answer in answers)
    assert codes == {"accepted": 3, "split_refund_amount_exceeds_refundable": 2}
    shown = await splits.becomes_ended(created["id"])
    assert sum(await splits.taken(shown)) == 200
