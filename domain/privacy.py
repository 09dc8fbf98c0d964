"""The events of privacy: what was erased or handed out of a user's personal data, by whom and why.

A key that was destroyed has a stream of its own, which is what makes it unusable for ever: whoever restores a backup
in which the key is still there finds in the log that it is burned.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.ids import ErasureId, ExportId, KeyId, MerchantId, UserId


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyDestroyed:
    """The key of this stream, ``key_id``, was destroyed: what it encrypted cannot be read any more, by anybody."""

    key_id: KeyId
    erasure_id: ErasureId


@dataclass(frozen=True, kw_only=True, slots=True)
class UserErased:
    """The receipt: the personal data of a user was erased. ``keys`` were destroyed; ``payments`` had some of it.

    An erasure of very many keys has several, with the same ``erasure_id``: the counts are in the first of them.
    ``in_clear`` counts events that hold personal data in clear, since they were recorded before it was encrypted.
    ``webhook_answers`` counts what merchants' endpoints had answered to webhooks of the payments, and was taken away;
    None of receipts from before that was done.
    """

    erasure_id: ErasureId
    merchant_id: MerchantId
    user_id: UserId
    actor: str
    reason: str
    keys: tuple[KeyId, ...]
    payments: int
    in_clear: int
    webhook_answers: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UserExported:
    """Everything about a user was handed out. ``events`` counts what was in it."""

    merchant_id: MerchantId
    user_id: UserId
    actor: str
    reason: str
    events: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RowsExported:
    """Somebody of the staff takes rows away as a file: ``what`` is the list, ``filters`` are those of its read.

    It is recorded before the first row is handed out.
    """

    export_id: ExportId
    merchant_id: MerchantId
    what: str
    format: str
    filters: Mapping[str, str]
    actor: str


PrivacyEvent = KeyDestroyed | UserErased | UserExported | RowsExported
