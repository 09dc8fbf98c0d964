"""Lists in pages: https://docs.stripe.com/api/pagination."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from infra.stripe_sandbox.errors import BAD_REQUEST, invalid_parameter, resource_missing
from infra.stripe_sandbox.expand import expanded_items
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.params import Param, Params, integer, nested, text
from infra.stripe_sandbox.records import Record
from infra.stripe_sandbox.store import FOREVER

R = TypeVar("R", bound=Record)

DEFAULT_LIMIT = 10
MAX_LIMIT = 100

LIMIT = integer("limit")
CREATED = nested("created", integer("gt"), integer("gte"), integer("lt"), integer("lte"))
PAGE_PARAMS: tuple[Param, ...] = (LIMIT, text("starting_after"), text("ending_before"), CREATED)


def list_page(call: Call, model: type[R], render: Callable[[R], JsonObject], *, url: str) -> JsonObject:
    """Return the page that the request asks for, newest first.

    A `payment_intent` parameter keeps to that intent's objects, a `charge` parameter to that charge's.
    Raises StripeError (400) for a bad limit, both cursors at once, or a cursor that is no object of the account.
    """
    params = call.params
    limit = page_limit(params)
    after, before = params.text("starting_after"), params.text("ending_before")
    if after is not None and before is not None:
        raise invalid_parameter(
            "You may only specify one of these parameters: starting_after, ending_before.",
            param="starting_after",
            code="parameters_exclusive",
        )
    if before is not None:
        above = _cursor(call, model, before, param="ending_before")
        found = list(islice(_ascending(call, model, above), limit + 1))
        page = found[:limit][::-1]
    else:
        below = FOREVER if after is None else _cursor(call, model, after, param="starting_after")
        found = list(islice(_descending(call, model, below), limit + 1))
        page = found[:limit]
    return {
        "object": "list",
        "data": expanded_items(call, [render(record) for record in page]),
        "has_more": len(found) > limit,
        "url": url,
    }


def page_limit(params: Params) -> int:
    """Return how many objects a page has. Raises StripeError (400) outside of 1 to 100."""
    limit = params.integer("limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        bound = "greater than or equal to 1" if limit < 1 else f"less than or equal to {MAX_LIMIT}"
        raise invalid_parameter(f"This value must be {bound}.", param="limit", code="parameter_invalid_integer")
    return limit


def _descending(call: Call, model: type[R], below: int) -> Iterator[R]:
    created = _created(call.params)
    intent_id = _intent(call)
    if intent_id is None:
        rows = call.store.newest_first(model, call.account, count=_scan(call), below=below, created=created)
    else:
        rows = call.store.of_intent(model, call.account, intent_id)
    return (r for seq, r in rows if seq < below and r.created in created and _of_charge(call, r))


def _ascending(call: Call, model: type[R], above: int) -> Iterator[R]:
    created = _created(call.params)
    intent_id = _intent(call)
    if intent_id is None:
        rows = call.store.oldest_first(model, call.account, count=_scan(call), above=above, created=created)
    else:
        rows = iter(list(call.store.of_intent(model, call.account, intent_id))[::-1])
    return (r for seq, r in rows if seq > above and r.created in created and _of_charge(call, r))


def _scan(call: Call) -> int:
    """Return how many rows to read: one more than the page, or all when they are filtered afterwards."""
    return FOREVER if "charge" in call.params else page_limit(call.params) + 1


def _intent(call: Call) -> str | None:
    return call.params.text("payment_intent")


def _of_charge(call: Call, record: Record) -> bool:
    charge = call.params.text("charge")
    return charge is None or getattr(record, "charge", None) == charge


def _cursor(call: Call, model: type[Record], object_id: str, *, param: str) -> int:
    position = call.store.position(model, call.account, object_id)
    if position is None:
        raise resource_missing(model.KIND, object_id, param=param, status=BAD_REQUEST)
    return position


def _created(params: Params) -> range:
    bounds = params.object("created") or {}
    first = max(_bound(bounds, "gte", 0), _bound(bounds, "gt", -1) + 1)
    last = min(_bound(bounds, "lte", FOREVER - 1), _bound(bounds, "lt", FOREVER) - 1)
    return range(first, last + 1)


def _bound(bounds: JsonObject, name: str, default: int) -> int:
    value = bounds.get(name, default)
    assert isinstance(value, int)
    return value
