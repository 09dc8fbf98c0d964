"""From the filters in the address of a list to the parameters of the query API: as the list itself does it."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from back_office.ledger.routes import EntryFilters
from back_office.payments.filters import PaymentFilters
from back_office.payouts.routes import PayoutFilters

_FILTERS: Mapping[str, type[PaymentFilters | PayoutFilters | EntryFilters]] = {
    "payments": PaymentFilters,
    "payouts": PayoutFilters,
    "ledger_entries": EntryFilters,
}
_OF_PAGES = {"cursor", "limit"}
_OF_SHOWING = {"cursor", "columns"}


def parameters_of(what: str, given: Mapping[str, str], zone: ZoneInfo) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters, but for the page; and what is wrong, by field."""
    narrowing = {name: value for name, value in given.items() if name not in _OF_SHOWING}
    found, wrong = _FILTERS[what].model_validate(narrowing).parameters(zone)
    return {name: value for name, value in found.items() if name not in _OF_PAGES}, wrong
