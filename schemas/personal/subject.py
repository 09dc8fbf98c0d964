"""Whose personal data something is: each subject has a key of its own."""

from dataclasses import dataclass

from domain.ids import MerchantId, UserId
from schemas.envelope import NO_MERCHANT


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Subject:
    """A user of a merchant; or an object at Stripe, whose user nobody knows when Stripe tells of it."""

    merchant_id: MerchantId
    name: str
    """`user:<user id>`, or `stripe:<id of an object, or of our payment>`."""

    @classmethod
    def user(cls, merchant_id: str, user_id: str) -> "Subject":
        """Return a merchant's user."""
        return cls(merchant_id=MerchantId(merchant_id), name=f"user:{user_id}")

    @classmethod
    def stripe(cls, reference: str) -> "Subject":
        """Return what Stripe tells of under an id, its own or that of our payment."""
        return cls(merchant_id=NO_MERCHANT, name=f"stripe:{reference}")

    @property
    def user_id(self) -> UserId | None:
        """The user's id; None when it is an object at Stripe."""
        kind, _, name = self.name.partition(":")
        return UserId(name) if kind == "user" else None
