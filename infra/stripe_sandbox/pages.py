"""Lists in pages: https://docs.stripe.com/api/pagination."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from infra.stripe_sandbox.errors import BAD_REQUEST, invalid_parameter, resource_missing
from infra.stripe_sandbox.expand import expanded_items
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.params import Param, between, integer, text
from infra.stripe_sandbox.records import Record
from infra.stripe_sandbox.store import FOREVER
from infra.stripe_sandbox.validation import Params

R = TypeVar("R", bound=Record)
T = TypeVar("T")

DEFAULT_LIMIT = 10
MAX_LIMIT = 100

LIMIT = integer("limit")
CREATED = between("created")
PAGE_PARAMS: tuple[Param, ...] = (LIMIT, text("starting_after"), text("ending_before"), CREATED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which rows a page wants: `count` of them next to the position `edge`, downwards or upwards from it."""

    edge: int
    ascending: bool
    count: int
    created: range

    def holds(self, seq: int, created: int) -> bool:
        """Whether an object at this position, made at this time, is wanted."""
        return (seq > self.edge if self.ascending else seq < self.edge) and created in self.created


class Listing(Protocol[T]):
    """Something that is listed in pages."""

    kind: str

    def position(self, call: Call, object_id: str) -> int | None:
        """Return where an object of the account stands in the order of creation, or None."""

    def rows(self, call: Call, window: Window) -> Iterable[T]:
        """Yield what is in the window from its edge on, as many as it counts or more."""

    def render(self, call: Call, row: T) -> JsonObject:
        """Return an object as the API shows it."""


def page(call: Call, listing: Listing[T], *, url: str) -> JsonObject:
    """Return the page that the request asks for, newest first.

    Raises StripeError (400) for a bad limit, both cursors at once, or a cursor that is no object of the account.
    """
    limit = page_limit(call.params)
    after, before = call.params.text("starting_after"), call.params.text("ending_before")
    if after is not None and before is not None:
        raise invalid_parameter(
            "You may only specify one of these parameters: starting_after, ending_before.",
            param="starting_after",
            code="parameters_exclusive",
        )
    if before is not None:
        edge, ascending = _cursor(call, listing, before, param="ending_before"), True
    else:
        edge = FOREVER if after is None else _cursor(call, listing, after, param="starting_after")
        ascending = False
    window = Window(edge=edge, ascending=ascending, count=limit + 1, created=created_range(call.params))
    found = list(islice(listing.rows(call, window), limit + 1))
    shown = found[:limit][::-1] if ascending else found[:limit]
    return {
        "object": "list",
        "data": expanded_items(call, [listing.render(call, row) for row in shown]),
        "has_more": len(found) > limit,
        "url": url,
    }


def list_page(call: Call, model: type[R], render: Callable[[R], JsonObject], *, url: str) -> JsonObject:
    """Return a page of stored objects.

    A `payment_intent` parameter keeps to that intent's objects, a `charge` or `customer` parameter to theirs, a
    `status`, `email` or `transfer_group` parameter to those with that one.
    """
    return page(call, _Objects(model=model, shown=render), url=url)


def page_limit(params: Params) -> int:
    """Return how many objects a page has. Raises StripeError (400) outside of 1 to 100."""
    limit = params.integer("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        bound = "greater than or equal to 1" if limit < 1 else f"less than or equal to {MAX_LIMIT}"
        raise invalid_parameter(f"This value must be {bound}.", param="limit", code="parameter_invalid_integer")
    return limit


def created_range(params: Params) -> range:
    """Return the seconds in which an object must have been made."""
    bounds = params.object("created") or {}
    first = max(_bound(bounds, "gte", 0), _bound(bounds, "gt", -1) + 1)
    last = min(_bound(bounds, "lte", FOREVER - 1), _bound(bounds, "lt", FOREVER) - 1)
    return range(first, last + 1)


_FILTERS = ("charge", "customer", "email", "status", "transfer_group")


class _Objects(Listing[tuple[int, R]]):
    """The objects of one kind in the store."""

    def __init__(self, *, model: type[R], shown: Callable[[R], JsonObject]) -> None:
        self.kind = model.KIND
        self._model, self._render = model, shown

    def position(self, call: Call, object_id: str) -> int | None:
        return call.store.position(self._model, call.account, object_id)

    def rows(self, call: Call, window: Window) -> Iterable[tuple[int, R]]:
        intent_id = call.params.text("payment_intent")
        filters = {name: value for name in _FILTERS if (value := call.params.text(name)) is not None}
        if intent_id is not None:
            rows = list(call.store.of_intent(self._model, call.account, intent_id))
            found: Iterable[tuple[int, R]] = rows[::-1] if window.ascending else rows
        else:
            # All of them when they are filtered afterwards.
            count = FOREVER if filters else window.count
            read = call.store.oldest_first if window.ascending else call.store.newest_first
            found = read(self._model, call.account, count=count, edge=window.edge, created=window.created)
        return (
            (seq, record)
            for seq, record in found
            if window.holds(seq, record.created)
            and all(getattr(record, name, None) == value for name, value in filters.items())
        )

    def render(self, _: Call, row: tuple[int, R]) -> JsonObject:
        return self._render(row[1])


def _cursor(call: Call, listing: Listing[T], object_id: str, *, param: str) -> int:
    position = listing.position(call, object_id)
    if position is None:
        raise resource_missing(listing.kind, object_id, param=param, status=BAD_REQUEST)
    return position


def _bound(bounds: JsonObject, name: str, default: int) -> int:
    value = bounds.get(name, default)
    assert isinstance(value, int)
    return value
