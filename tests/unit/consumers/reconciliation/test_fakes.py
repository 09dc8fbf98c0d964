"""Stripe's books in memory keep the contract of those over the API."""

import itertools
from uuid import UUID

import pytest

from consumers.reconciliation.books import Owner, StripeBooks
from consumers.reconciliation.fakes import MemoryBooks
from tests.unit.consumers.reconciliation.books_contract import StripeBooksContract


class TestMemoryBooks(StripeBooksContract):
    @pytest.fixture(autouse=True)
    def _empty(self) -> None:
        self._books = MemoryBooks()
        self._numbers = itertools.count(1)

    def books(self) -> StripeBooks:
        return self._books

    async def pay(self, payment_id: UUID, amount: int) -> tuple[str, str]:
        number = next(self._numbers)
        charge_id, intent_id = f"ch_{number}", f"pi_{number}"
        transaction = {
            "id": f"txn_{number}",
            "source": charge_id,
            "reporting_category": "charge",
            "amount": amount,
            "fee": 59,
            "net": amount - 59,
            "currency": "usd",
            "created": 1_800_000_000 + number,
            "exchange_rate": None,
        }
        self._books.write(transaction, Owner(intent_id=intent_id, payment_id=payment_id))
        return charge_id, intent_id
