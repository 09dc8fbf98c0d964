"""What the overview shows, from the totals of the query API. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from back_office.overview.filters import Days

Json = dict[str, Any]
MONEY = ("gross", "fees", "refunds", "disputes", "net")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """How payments ended: `declined` are those that were refused and have not succeeded since."""

    made: int
    succeeded: int
    declined: int

    @property
    def rate(self) -> float | None:
        """Of those that were decided, the part that succeeded, in percent; None: none was decided."""
        decided = self.succeeded + self.declined
        return None if not decided else round(100 * self.succeeded / decided, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """A day of one currency."""

    date: date
    money: Mapping[str, int]
    outcomes: Outcomes


@dataclass(frozen=True, kw_only=True, slots=True)
class Declines:
    """Payments that were declined for one reason."""

    code: str
    payments: int
    amount_cents: int
    width: int
    """Of its bar, in thousandths of the widest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """All that is shown of one currency."""

    currency: str
    days: list[Day]
    money: Mapping[str, int]
    outcomes: Outcomes
    declines: list[Declines]


def currencies(money: Iterable[Json], payments: Iterable[Json]) -> list[str]:
    """Return the currencies that there are, the one with the most payments first."""
    counted = Counter({each["currency"]: 0 for each in money})
    for each in payments:
        counted[each["currency"]] += each["payments"]
    return sorted(counted, key=lambda currency: (-counted[currency], currency))


def figures(currency: str, days: Days, money: Iterable[Json], payments: Iterable[Json]) -> Figures:
    """Return what is shown of a currency: every day, those on which nothing was too."""
    moved = {each["date"]: each for each in money if each["currency"] == currency}
    counted = [each for each in payments if each["currency"] == currency]
    by_day: dict[str, list[Json]] = {}
    for each in counted:
        by_day.setdefault(each["date"], []).append(each)
    shown = [
        Day(
            date=day,
            money={name: moved.get(day.isoformat(), {}).get(name, 0) for name in MONEY},
            outcomes=outcomes(by_day.get(day.isoformat(), ())),
        )
        for day in days
    ]
    return Figures(
        currency=currency,
        days=shown,
        money={name: sum(day.money[name] for day in shown) for name in MONEY},
        outcomes=outcomes(counted),
        declines=_declines(counted),
    )


def outcomes(totals: Iterable[Json]) -> Outcomes:
    """Return how the payments of some totals ended."""
    made = succeeded = declined = 0
    for each in totals:
        made += each["payments"]
        if each["status"] == "succeeded":
            succeeded += each["payments"]
        elif each["refusal_code"]:
            declined += each["payments"]
    return Outcomes(made=made, succeeded=succeeded, declined=declined)


def _declines(totals: Iterable[Json]) -> list[Declines]:
    payments, amounts = Counter[str](), Counter[str]()
    for each in totals:
        if each["refusal_code"] and each["status"] != "succeeded":
            payments[each["refusal_code"]] += each["payments"]
            amounts[each["refusal_code"]] += each["amount_cents"]
    most = max(payments.values(), default=1)
    return [
        Declines(code=code, payments=count, amount_cents=amounts[code], width=max(round(1000 * count / most), 4))
        for code, count in sorted(payments.items(), key=lambda found: (-found[1], found[0]))
    ]
