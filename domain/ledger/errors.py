"""What the posting rules refuse."""

from collections.abc import Mapping
from typing import ClassVar

from domain.errors import DomainError
from domain.ids import BalanceSourceId, RefundId


class LedgerError(DomainError):
    """Root of the package's errors."""

    code: ClassVar[str] = "ledger_error"


class UnbalancedPosting(LedgerError):
    """Debits and credits differ: by ``differences``, in each currency."""

    code: ClassVar[str] = "unbalanced_posting"

    def __init__(self, *, source_id: BalanceSourceId, differences: Mapping[str, int]) -> None:
        super().__init__(f"The sides of the posting for {source_id} differ: {dict(differences)}.")
        self.source_id = source_id
        self.differences = differences


class RefundUnknown(LedgerError):
    """An event tells of a refund that nobody asked for before."""

    code: ClassVar[str] = "refund_unknown"

    def __init__(self, *, refund_id: RefundId) -> None:
        super().__init__(f"No refund {refund_id} was asked for.")
        self.refund_id = refund_id
