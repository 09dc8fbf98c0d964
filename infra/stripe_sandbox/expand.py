"""Expanding ids into objects: https://docs.stripe.com/api/expanding_objects."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from infra.stripe_sandbox.balance.render import render as render_row
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.charges.render import render as render_charge
from infra.stripe_sandbox.customers.lookup import find_customer
from infra.stripe_sandbox.customers.render import render as render_customer
from infra.stripe_sandbox.disputes.model import Dispute
from infra.stripe_sandbox.disputes.render import render as render_dispute
from infra.stripe_sandbox.errors import StripeError, invalid_parameter
from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.operation import Call
from infra.stripe_sandbox.payment_intents.model import PaymentIntent
from infra.stripe_sandbox.payment_intents.render import render as render_intent
from infra.stripe_sandbox.payment_methods import PaymentMethod
from infra.stripe_sandbox.payment_methods import render as render_method
from infra.stripe_sandbox.payouts.model import Payout
from infra.stripe_sandbox.payouts.render import render as render_payout
from infra.stripe_sandbox.records import Record
from infra.stripe_sandbox.refunds.model import Refund
from infra.stripe_sandbox.refunds.render import render as render_refund

R = TypeVar("R", bound=Record)

MAX_DEPTH = 4
INLINE_REFUNDS = 10

Expander = Callable[[Call, JsonObject, Json], Json]


def expanded(call: Call, shown: JsonObject) -> JsonObject:
    """Put objects in the place of the ids that the request's `expand` names.

    Raises StripeError (400) for a property that cannot be expanded.
    """
    for path in call.params.texts("expand"):
        _expand(call, shown, path.split("."), path)
    return shown


def expanded_items(call: Call, items: list[JsonObject]) -> list[JsonObject]:
    """Do the same to the objects of a list, whose paths begin with `data`."""
    for path in call.params.texts("expand"):
        head, _, rest = path.partition(".")
        if head != "data" or not rest:
            raise _cannot(path, f" You may want to try expanding 'data.{path}' instead.")
        for item in items:
            _expand(call, item, rest.split("."), rest)
    return items


def _expand(call: Call, shown: JsonObject, names: list[str], path: str) -> None:
    expanders = _EXPANDERS.get(str(shown.get("object")), {})
    if names[0] not in expanders or len(names) > MAX_DEPTH:
        raise _cannot(path)
    value = shown.get(names[0])
    if not isinstance(value, dict):
        value = expanders[names[0]](call, shown, value)
        if value is None:
            return
        shown[names[0]] = value
    if len(names) > 1 and isinstance(value, dict):
        _expand(call, value, names[1:], path)


def _cannot(path: str, hint: str = "") -> StripeError:
    return invalid_parameter(f"This property cannot be expanded ({path}).{hint}")


def _stored(model: type[R], render: Callable[[R], JsonObject]) -> Expander:
    """Return what puts stored objects in the place of their ids, and leaves an unknown id as it is."""

    def expand(call: Call, _: JsonObject, value: Json) -> Json:
        found = call.store.get(model, call.account, str(value))
        return value if found is None else render(found)

    return expand


_charge = _stored(Charge, render_charge)
_intent = _stored(PaymentIntent, render_intent)
_method = _stored(PaymentMethod, render_method)


def _refunds(call: Call, shown: JsonObject, _: Json) -> Json:
    charge_id = str(shown["id"])
    of_intent = call.store.of_intent(Refund, call.account, str(shown["payment_intent"]))
    refunds = [render_refund(refund) for _, refund in of_intent if refund.charge == charge_id]
    return {
        "object": "list",
        "data": refunds[:INLINE_REFUNDS],
        "has_more": len(refunds) > INLINE_REFUNDS,
        "url": f"/v1/charges/{charge_id}/refunds",
    }


def _balance_transaction(call: Call, _: JsonObject, value: Json) -> Json:
    found = call.world.ledger.get(call.account, str(value))
    return value if found is None else render_row(found, call.now)


def _customer(call: Call, _: JsonObject, value: Json) -> Json:
    found = None if value is None else find_customer(call, str(value))
    return value if found is None else render_customer(found)


def _source(call: Call, shown: JsonObject, value: Json) -> Json:
    """Show what caused a row, by what its id says that it is."""
    return _SOURCES.get(str(value).partition("_")[0], _as_it_is)(call, shown, value)


def _as_it_is(_: Call, __: JsonObject, value: Json) -> Json:
    """Leave what the sandbox does not model an id, or null."""
    return value


_SOURCES: Mapping[str, Expander] = {
    "ch": _charge,
    "re": _stored(Refund, render_refund),
    "du": _stored(Dispute, render_dispute),
    "po": _stored(Payout, render_payout),
}

_EXPANDERS: Mapping[str, Mapping[str, Expander]] = {
    "payment_intent": {
        "latest_charge": _charge,
        "payment_method": _method,
        "application": _as_it_is,
        "customer": _customer,
        "on_behalf_of": _as_it_is,
        "review": _as_it_is,
    },
    "charge": {
        "payment_intent": _intent,
        "refunds": _refunds,
        "application": _as_it_is,
        "balance_transaction": _balance_transaction,
        "customer": _customer,
        "failure_balance_transaction": _as_it_is,
        "review": _as_it_is,
    },
    "refund": {
        "charge": _charge,
        "payment_intent": _intent,
        "balance_transaction": _balance_transaction,
        "failure_balance_transaction": _balance_transaction,
        "payment_method": _method,
    },
    "customer": {
        "default_source": _as_it_is,
        "test_clock": _as_it_is,
    },
    "dispute": {
        "charge": _charge,
        "payment_intent": _intent,
    },
    "balance_transaction": {
        "source": _source,
    },
    "payout": {
        "balance_transaction": _balance_transaction,
        "failure_balance_transaction": _balance_transaction,
        "destination": _as_it_is,
    },
}
