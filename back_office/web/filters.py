"""Filters as they stand in the address: text that was written into a form, and may be wrong."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from back_office.web.money import is_charged

CURRENCY_LETTERS: Final = 3


class Filters(BaseModel):
    """What was written into the form; what nobody knows is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ListFilters(Filters):
    """The same of a list in pages."""

    cursor: str = ""

    def given(self) -> dict[str, str]:
        """Return those that are given, but for the page."""
        return {name: value for name, value in self.model_dump(exclude={"cursor"}).items() if value}


def check_currency(text: str, wrong: dict[str, str]) -> None:
    """Add to `wrong`, which is by field, what is wrong with a currency that was given."""
    if text and not (len(text) == CURRENCY_LETTERS and text.isalpha()):
        wrong["currency"] = "Three letters, as EUR."
    elif text and not is_charged(text.upper()):
        wrong["currency"] = "Stripe charges no such currency."
