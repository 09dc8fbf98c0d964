"""What several projections that take the same events share of them."""

import asyncio
import random
import uuid

from domain.ids import PaymentId
from projections.scratch import Decoded, of_categories
from schemas.topics import PAYMENT
from tests.support.payment_histories import random_history, recorded

ID = PaymentId(uuid.UUID(int=7))
LOG = recorded([(ID, random_history(random.Random(1), payment_id=ID, steps=9))])


async def test_an_event_is_decoded_once_however_many_want_it() -> None:
    decoded = Decoded(None)
    first, second = await asyncio.gather(decoded.of(PAYMENT, LOG[:3]), decoded.of(PAYMENT, LOG[1:]))
    assert [each.recorded for each in (*first[:1], *second)] == LOG
    assert all(one is other for one, other in zip(first[1:], second, strict=False))
    assert await decoded.of(PAYMENT, []) == []


def test_events_of_other_categories_are_left_out() -> None:
    assert of_categories(LOG, {"payment", "access"}) == LOG
    assert of_categories(LOG, {"access"}) == []
