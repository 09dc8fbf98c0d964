"""The rows of all balances, in the store; what a fault does to a row is done here."""

from collections.abc import Iterator

from infra.stripe_sandbox.balance.model import ROW_PREFIX, BalanceTransaction, Entry
from infra.stripe_sandbox.faults.registry import Faults
from infra.stripe_sandbox.faults.rules import Effect
from infra.stripe_sandbox.ids import Clock, Ids
from infra.stripe_sandbox.store import Store


class Ledger:
    """Writes and finds rows. Writing belongs inside the caller's transaction."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, faults: Faults) -> None:
        self._store, self._clock, self._ids, self._faults = store, clock, ids, faults

    def post(self, account: str, entry: Entry, *, row_id: str | None = None) -> str:
        """Write a row and return its id, a new one if none is given.

        A fault can hide it, write another beside it, or falsify it.
        """
        amount, fee, shown = entry.amount, entry.fee, True
        for fault in self._faults.of_balance_row(entry.type):
            if fault.effect is Effect.HIDE_ROW:
                shown = False
            elif fault.effect is Effect.DOUBLE_ROW:
                self._insert(account, entry, self._ids.new(ROW_PREFIX), amount=amount, fee=fee, shown=True)
            elif fault.effect is Effect.WRONG_AMOUNT:
                amount += fault.rule.amount
            else:
                fee += fault.rule.amount
        row_id = row_id or self._ids.new(ROW_PREFIX)
        return self._insert(account, entry, row_id, amount=amount, fee=fee, shown=shown)

    def get(self, account: str, row_id: str) -> BalanceTransaction | None:
        """Return a row that the API may show, or None."""
        row = self._store.execute("get_balance_transaction", account=account, id=row_id).fetchone()
        return None if row is None else BalanceTransaction(*row)

    def page(
        self,
        account: str,
        *,
        edge: int,
        ascending: bool,
        created: range,
        count: int,
        payout: str | None = None,
        currency: str | None = None,
        type_: str | None = None,
    ) -> list[BalanceTransaction]:
        """Return rows next to a position, newest first, or oldest first when `ascending`."""
        order = "oldest_first" if ascending else "newest_first"
        of_payout = {} if payout is None else {"payout": payout}
        rows = self._store.execute(
            f"balance_of_payout_{order}" if of_payout else f"balance_{order}",
            account=account,
            edge=edge,
            created_from=created.start,
            created_to=created.stop - 1,
            count=count,
            currency=currency,
            type=type_,
            **of_payout,
        )
        return [BalanceTransaction(*row) for row in rows]

    def of_source(self, account: str, source: str) -> Iterator[BalanceTransaction]:
        """Yield the rows that one object caused, newest first."""
        rows = self._store.execute("balance_of_source", account=account, source=source)
        return (BalanceTransaction(*row) for row in rows)

    def balances(self, account: str) -> list[tuple[str, int, int]]:
        """Return (currency, available, pending) for each currency that was ever used."""
        return list(self._store.execute("balances", account=account, now=int(self._clock())))

    def available(self, account: str, currency: str) -> int:
        """Return what can be paid out in a currency."""
        return next((amount for name, amount, _ in self.balances(account) if name == currency), 0)

    def to_pay_out(self) -> list[tuple[str, str, int]]:
        """Return (account, currency, amount) of what automatic payouts would pay out now."""
        return list(self._store.execute("accounts_to_pay_out", now=int(self._clock())))

    def assign(self, account: str, currency: str, payout: str) -> None:
        """Say of everything available in a currency that this payout pays it out."""
        self._store.execute(
            "assign_to_payout", account=account, currency=currency, payout=payout, now=int(self._clock())
        )

    # --- for the control panel ---

    def everything(self) -> Iterator[BalanceTransaction]:
        """Yield the rows of every account, hidden ones too, oldest first."""
        return (BalanceTransaction(*row) for row in self._store.execute("all_balance_transactions"))

    def falsify(
        self,
        row_id: str,
        *,
        shown: bool | None = None,
        amount: int | None = None,
        fee: int | None = None,
        currency: str | None = None,
    ) -> BalanceTransaction | None:
        """Change a row of whichever account behind everybody's back, and return what it was; None without one."""
        found = self._store.execute("balance_transaction_of_any_account", id=row_id).fetchone()
        if found is None:
            return None
        row = BalanceTransaction(*found)
        self._store.execute(
            "change_balance_transaction",
            id=row_id,
            shown=row.shown if shown is None else shown,
            amount=row.amount if amount is None else amount,
            fee=row.fee if fee is None else fee,
            currency=row.currency if currency is None else currency,
        )
        return row

    def counts(self) -> dict[str, int]:
        """Return how many rows there are by type."""
        return dict(self._store.execute("count_balance_transactions"))

    def _insert(self, account: str, entry: Entry, row_id: str, *, amount: int, fee: int, shown: bool) -> str:
        now = int(self._clock())
        self._store.execute(
            "insert_balance_transaction",
            account=account,
            id=row_id,
            source=entry.source,
            payout=entry.payout,
            type=entry.type,
            reporting_category=entry.reporting_category,
            currency=entry.currency,
            amount=amount,
            fee=fee,
            description=entry.description,
            created=now,
            available_on=now if entry.available_on is None else max(now, entry.available_on),
            shown=shown,
        )
        return row_id
