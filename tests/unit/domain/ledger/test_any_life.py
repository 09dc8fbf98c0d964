"""Whatever becomes of payments, and in whatever order it is learned: the books balance, and agree with Stripe's."""

import random
import uuid
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import PaymentId
from domain.ledger import Account
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold
from domain.stripe_balance import PayoutChanged, PayoutStatus, TransactionRecorded
from tests.support.balance_events import a_payout, a_row, rows_of, some_moved
from tests.support.hypothesis_profiles import examples
from tests.support.payment_histories import random_history
from tests.unit.domain.ledger.memory_ledger import Book

CURRENCIES = ("USD", "EUR", "JPY", "KWD")
RATES = {"USD": 1.08, "EUR": 0.93, "JPY": 162.5, "KWD": 3.0712345}

Event = tuple[uuid.UUID, PaymentEvent] | TransactionRecorded | PayoutChanged


def nets(rows: list[TransactionRecorded]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row.currency] += row.net
    return {currency: amount for currency, amount in sums.items() if amount}


def payouts_of(rng: random.Random, number: int) -> tuple[list[TransactionRecorded], list[PayoutChanged]]:
    """Return a payout's rows, and what is seen of it: not every status is."""
    payout_id, amount, currency = f"po_{number}", rng.randint(1, 9999), rng.choice(CURRENCIES)
    ends = rng.choice(([PayoutStatus.PAID], [PayoutStatus.FAILED], [PayoutStatus.PAID, PayoutStatus.FAILED]))
    seen = [status for status in [PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT] if rng.random() < 0.7] + ends
    if rng.random() < 0.3:
        seen = seen[:1]
    common = {"source_id": payout_id, "currency": currency, "fee": 0}
    rows = [a_row(f"txn_{payout_id}", type="payout", reporting_category="payout", amount=-amount, **common)]
    if PayoutStatus.FAILED in seen:
        back = {"type": "payout_failure", "reporting_category": "payout_reversal", "amount": amount}
        rows.append(a_row(f"txn_{payout_id}_back", **common, **back))
    return rows, [a_payout(status, payout_id=payout_id, amount=amount, currency=currency) for status in seen]


def others(rng: random.Random) -> list[TransactionRecorded]:
    categories = ("fee", "other_adjustment", "topup", "contribution", "network_cost", "a_category_of_tomorrow")
    return [
        a_row(
            f"txn_other_{number}",
            type="adjustment",
            reporting_category=rng.choice(categories),
            amount=rng.randint(-9999, 9999),
            fee=rng.randint(-100, 100),
            currency=rng.choice(CURRENCIES),
            source_id=None,
        )
        for number in range(rng.randint(0, 5))
    ]


def interleaved(rng: random.Random, queues: list[list[Event]]) -> list[Event]:
    """Mix the queues; each keeps its order."""
    waiting, mixed = [list(queue) for queue in queues if queue], []
    while waiting:
        queue = rng.choice(waiting)
        mixed.append(queue.pop(0))
        waiting = [each for each in waiting if each]
    return mixed


@settings(max_examples=examples(200))
@given(seed=st.integers(0, 2**32), payments=st.integers(1, 4), steps=st.integers(0, 30))
def test_each_currency_is_level_and_clearing_is_what_stripe_holds(seed: int, payments: int, steps: int) -> None:
    rng = random.Random(seed)
    rows: list[TransactionRecorded] = others(rng)
    queues: list[list[Event]] = []
    for _ in range(payments):
        payment_id = PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4))
        events = random_history(rng, payment_id=payment_id, steps=steps, currencies=CURRENCIES)
        queues.append([(payment_id, event) for event in events])
        payment = fold(events)
        assert payment is not None
        balance_currency = rng.choice(CURRENCIES)
        rows += rows_of(
            payment, balance_currency=balance_currency, rate=RATES[balance_currency], moved=some_moved(rng, events)
        )
    for number in range(rng.randint(0, 3)):
        its_rows, seen = payouts_of(rng, number)
        rows += its_rows
        queues.append(list(seen))
    queues += [[row] for row in rows]

    book = Book()
    for event in interleaved(rng, queues):
        book.add(event)
        assert book.totals() == {}

    assert book.balance(Account.STRIPE_CLEARING) == nets(rows)
