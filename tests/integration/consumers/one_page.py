"""A list of Stripe that shows what a test wants."""

from dataclasses import dataclass
from typing import Any

from consumers.stripe.client import JsonObject, Page
from consumers.stripe.lists.lists import StripeList


@dataclass
class OnePage:
    """Lists of one page."""

    rows: tuple[Any, ...]
    later: tuple[Any, ...] = ()
    """Rows that Stripe returns by their ids."""

    async def page(self, list_: StripeList, *, created_from: int, after: str | None, limit: int) -> Page:  # noqa: ARG002 - as the protocol has it
        return Page(rows=self.rows, has_more=False)

    async def row(self, list_: StripeList, stripe_id: str) -> JsonObject | None:  # noqa: ARG002 - as the protocol has it
        return next((row for row in self.later if row["id"] == stripe_id), None)
