"""What the reconciliation relies on, of Stripe's statement over the API and of one in memory."""

import uuid
from abc import ABC, abstractmethod

from consumers.reconciliation.statement.statement import Owner, StripeStatement
from consumers.stripe.translate.balance import statement_row_of
from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId, PayoutId, StripeIntentId
from domain.reconciliation.rows import PayoutSum, StripeRow

LONG_S = 3600


async def rows_between(statement: StripeStatement, first: int, last: int) -> list[StripeRow]:
    return [row async for page in statement.rows(first, last) for row in page]


async def ids_between(statement: StripeStatement, first: int, last: int) -> set[str]:
    return {row.source_id for row in await rows_between(statement, first, last)}


class StripeStatementContract(ABC):
    @abstractmethod
    def statement(self) -> StripeStatement:
        """Return those in which everything is written that is paid."""

    @abstractmethod
    async def pay(self, payment_id: PaymentId, amount: int) -> tuple[str, str]:
        """Have a payment of ours paid in US dollars; return the ids of its charge and its intent."""

    @abstractmethod
    async def refund(self, charge_id: str, amount: int) -> str:
        """Have a part of a charge refunded; return the refund's id."""

    @abstractmethod
    async def dispute_and_win(self, charge_id: str) -> str:
        """Have a charge of 10.00 USD disputed, and won; return the dispute's id."""

    @abstractmethod
    async def pay_out(self) -> PayoutSum:
        """Have what was paid up to now paid out, by itself; return what is to be said of it."""

    async def paid_row(self, amount: int = 1000) -> StripeRow:
        """Have something paid and return its only row."""
        charge_id, _ = await self.pay(PaymentId(uuid.uuid4()), amount)
        (row,) = await self.statement().rows_of(BalanceSourceId(charge_id))
        return row

    async def test_a_charge_has_one_row(self) -> None:
        charge_id, _ = await self.pay(PaymentId(uuid.uuid4()), 1000)
        (row,) = await self.statement().rows_of(BalanceSourceId(charge_id))
        assert (row.source_id, row.category, row.amount, row.currency) == (charge_id, "charge", 1000, "USD")
        assert row.transaction_id.startswith("txn_")
        assert 0 < row.fee < row.amount
        assert row.exchange_rate is None
        assert await self.statement().rows_of(BalanceSourceId("ch_no_such_charge")) == []

    async def test_rows_are_given_from_a_moment_until_before_another(self) -> None:
        statement, row = self.statement(), await self.paid_row()
        at = row.created
        assert row in await rows_between(statement, at, at + 1)
        assert row in await rows_between(statement, at - LONG_S, at + LONG_S)
        assert row.source_id not in await ids_between(statement, at - LONG_S, at)
        assert row.source_id not in await ids_between(statement, at + 1, at + LONG_S)

    async def test_every_row_is_given_once_however_many_pages_there_are(self) -> None:
        statement = self.statement()
        paid = [await self.paid_row(1000 + number) for number in range(103)]
        first, last = min(row.created for row in paid), max(row.created for row in paid) + 1
        given = await rows_between(statement, first, last)
        assert sorted(given) == sorted(set(given))
        assert set(paid) <= set(given)
        pages = [len(page) async for page in statement.rows(first, last)]
        assert len(pages) > 1
        assert min(pages) > 0

    async def test_a_row_is_found_by_its_own_id(self) -> None:
        statement, row = self.statement(), await self.paid_row()
        found = await statement.transaction(row.transaction_id)
        assert found is not None
        assert statement_row_of(found) == row
        assert found["net"] == row.amount - row.fee
        assert await statement.rows_of(BalanceSourceId(row.transaction_id)) == [row]
        assert await statement.transaction(BalanceTransactionId("txn_no_such_row")) is None
        assert await statement.rows_of(BalanceSourceId("txn_no_such_row")) == []

    async def test_whose_a_charge_is(self) -> None:
        statement, payment_id = self.statement(), PaymentId(uuid.uuid4())
        charge_id, intent_id = await self.pay(payment_id, 1000)
        assert await statement.owner_of(BalanceSourceId(charge_id)) == Owner(
            intent_id=StripeIntentId(intent_id), payment_id=payment_id
        )
        (row,) = await statement.rows_of(BalanceSourceId(charge_id))
        for nobodys in (row.transaction_id, "ch_no_such_charge", "re_no_such_refund", "po_1"):
            assert await statement.owner_of(BalanceSourceId(nobodys)) is None

    async def test_without_payouts_none_is_given(self) -> None:
        statement, row = self.statement(), await self.paid_row()
        assert [each async for each in statement.payouts(row.created - LONG_S, row.created + LONG_S)] == []
        assert await statement.payout(PayoutId("po_no_such_payout")) is None

    async def test_a_refund_has_a_row_and_is_of_the_charges_payment(self) -> None:
        statement, payment_id = self.statement(), PaymentId(uuid.uuid4())
        charge_id, intent_id = await self.pay(payment_id, 1000)
        refund_id = await self.refund(charge_id, 300)
        (row,) = await statement.rows_of(BalanceSourceId(refund_id))
        assert (row.source_id, row.category, row.amount, row.fee, row.currency) == (refund_id, "refund", -300, 0, "USD")
        assert len(await statement.rows_of(BalanceSourceId(charge_id))) == 1
        assert await statement.owner_of(BalanceSourceId(refund_id)) == Owner(
            intent_id=StripeIntentId(intent_id), payment_id=payment_id
        )

    async def test_each_row_of_a_source_is_given(self) -> None:
        statement, payment_id = self.statement(), PaymentId(uuid.uuid4())
        charge_id, intent_id = await self.pay(payment_id, 1000)
        dispute_id = await self.dispute_and_win(charge_id)
        rows = await statement.rows_of(BalanceSourceId(dispute_id))
        assert [(row.source_id, row.category, row.amount, row.fee) for row in rows] == [
            (dispute_id, "dispute", -1000, 1500),
            (dispute_id, "dispute_reversal", 1000, -1500),
        ]
        assert len({row.transaction_id for row in rows}) == 2
        assert await statement.owner_of(BalanceSourceId(dispute_id)) == Owner(
            intent_id=StripeIntentId(intent_id), payment_id=payment_id
        )
        assert await statement.rows_of(BalanceSourceId("du_no_such_dispute")) == []

    async def test_a_payout_is_the_sum_of_what_it_pays(self) -> None:
        statement = self.statement()
        charge_id, _ = await self.pay(PaymentId(uuid.uuid4()), 5000)
        (charge,) = await statement.rows_of(BalanceSourceId(charge_id))
        (refund,) = await statement.rows_of(BalanceSourceId(await self.refund(charge_id, 700)))
        payout = await self.pay_out()
        assert (payout.items, payout.items_net.amount_cents) == (2, charge.amount - charge.fee + refund.amount)
        assert payout.amount == payout.items_net
        assert payout.amount.currency == "USD"
        assert await statement.payout(payout.payout_id) == payout
        at = payout.created
        assert [each async for each in statement.payouts(at, at + 1)] == [payout]
        assert [each async for each in statement.payouts(at + 1, at + LONG_S)] == []
        assert [each async for each in statement.payouts(at - LONG_S, at)] == []
