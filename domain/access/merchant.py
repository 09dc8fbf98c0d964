"""A merchant, and the one command for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from domain.access.errors import InvalidMerchant, MerchantExists
from domain.access.events import MerchantCreated
from domain.ids import MerchantId

MERCHANT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
MAX_NAME_CHARS = 200
_MERCHANTS = UUID("5f2b8f53-6c5d-5b1e-9a0e-2f6f7a0a4c11")


def merchant_stream(merchant_id: MerchantId) -> UUID:
    """Return the stream of a merchant: the log's constraint then refuses a second one of the same id."""
    return uuid5(_MERCHANTS, merchant_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateMerchant:
    """Let a merchant be given keys."""

    merchant_id: MerchantId
    name: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MerchantState:
    """A merchant as its events tell it."""

    merchant_id: MerchantId
    name: str


def decide_merchant(state: MerchantState | None, command: CreateMerchant) -> Sequence[MerchantCreated]:
    """Decide. Raises MerchantExists or InvalidMerchant."""
    if state is not None:
        raise MerchantExists(command.merchant_id)
    if not MERCHANT_ID.fullmatch(command.merchant_id):
        raise InvalidMerchant(
            "A merchant's id is 1 to 100 letters, digits, _ . or -, and begins with none of the last."
        )
    if not command.name.strip() or len(command.name) > MAX_NAME_CHARS or not command.name.isprintable():
        raise InvalidMerchant(f"A merchant's name is 1 to {MAX_NAME_CHARS} printable characters.")
    return [
        MerchantCreated(merchant_id=command.merchant_id, name=command.name, actor=command.actor, reason=command.reason)
    ]


def evolve_merchant(_: MerchantState | None, event: MerchantCreated) -> MerchantState:
    """Return the merchant after an event."""
    return MerchantState(merchant_id=event.merchant_id, name=event.name)
