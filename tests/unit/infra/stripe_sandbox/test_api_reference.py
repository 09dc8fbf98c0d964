"""Inputs that Stripe's reference allows are taken, and broken ones refused: as many as a seed makes of it.

What is taken is judged by the reference alone (`api_reference.py`); the sandbox's declarations are not looked at.
"""

import importlib
import random
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import pytest
import stripe

from infra.stripe_sandbox.app import OPERATIONS as SANDBOX_OPERATIONS
from infra.stripe_sandbox.params import Param, ParameterKind
from tests.support.hypothesis_profiles import examples
from tests.unit.infra.stripe_sandbox.api_inputs import Generator, Made, Value, agreeable, broken
from tests.unit.infra.stripe_sandbox.api_reference import OPERATIONS, Described, Type
from tests.unit.infra.stripe_sandbox.stripe_http import StripeHttp

SEED = 20261028
VALID, BROKEN = 12, 60
"""Requests for each operation, at most."""


@dataclass(slots=True)
class Count:
    """What became of the requests."""

    valid: int = 0
    broken: int = 0
    refused: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)


async def objects(api: StripeHttp) -> Made:
    """Make one of everything."""
    customer = (await api.post("/v1/customers", email="reader@books.test")).json()["id"]
    paid = await api.pay(
        amount=100_000, customer=customer, payment_method="pm_card_bypassPending", expand=["latest_charge"]
    )
    made: dict[str, Any] = {"allowed_payment_method_types": ["card"], "amount": 1000, "currency": "usd"}
    intent = (await api.post("/v1/payment_intents", **made)).json()
    held = await api.pay(capture_method="manual")
    disputed = await api.pay(payment_method="pm_card_createDispute")
    refund = await api.refund(paid, amount=1)
    payout = (await api.post("/v1/payouts", amount=1, currency="usd")).json()
    return Made(
        ids={
            "customer": customer,
            "paid": paid["id"],
            "charge": paid["latest_charge"]["id"],
            "intent": intent["id"],
            "secret": intent["client_secret"],
            "other": paid["id"],
            "held": held["id"],
            "dispute": (await api.data("/v1/disputes", payment_intent=disputed["id"]))[0]["id"],
            "refund": refund["id"],
            "payout": payout["id"],
            "row": (await api.data("/v1/balance_transactions"))[0]["id"],
            "event": (await api.data("/v1/events"))[0]["id"],
        }
    )


async def sent(api: StripeHttp, operation: str, made: Made, form: dict[str, Value]) -> Any:
    method, path = operation.split()
    filled = {name: made.put(value) if isinstance(value, str) else value for name, value in form.items()}
    return await (api.post if method == "POST" else api.get)(made.put(path), **filled)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_valid_is_taken_and_broken_is_refused(stripe_http: StripeHttp, operation: str) -> None:
    members, path = OPERATIONS[operation], operation.split()[1]
    rng, count = random.Random(f"{SEED} {operation}"), Count()

    for _ in range(examples(VALID, quick=3)):
        made = await objects(stripe_http)
        form = agreeable(path, Generator(rng, made).form(members, optional=0.4))
        answer = await sent(stripe_http, operation, made, form)
        count.valid += 1
        if answer.status_code != 200:
            count.refused.append(f"{form}: {answer.json()['error']['message'][:200]}")

    made = await objects(stripe_http)
    for how, form in islice(broken(rng, Generator(rng, made), members, path), examples(BROKEN)):
        answer = await sent(stripe_http, operation, made, form)
        count.broken += 1
        if answer.status_code != 400:
            count.accepted.append(f"{how}: {str(form)[:200]}: {answer.status_code}")

    print(f"{operation}: {count.valid} valid, {len(count.refused)} refused; {count.broken} broken, "  # noqa: T201
          f"{len(count.accepted)} accepted")  # fmt: skip
    assert (count.refused, count.accepted) == ([], [])


# --- the reference and the SDK ---

# An operation of the SDK for each, by the name of its parameters' class.
SDK = {
    "POST /v1/payment_intents": "payment_intent_create",
    "POST /v1/payment_intents/{intent}": "payment_intent_modify",
    "POST /v1/payment_intents/{intent}/confirm": "payment_intent_confirm",
    "POST /v1/payment_intents/{held}/capture": "payment_intent_capture",
    "POST /v1/payment_intents/{intent}/cancel": "payment_intent_cancel",
    "GET /v1/payment_intents": "payment_intent_list",
    "GET /v1/payment_intents/{intent}": "payment_intent_retrieve",
    "GET /v1/payment_intents/search": "payment_intent_search",
    "POST /v1/refunds": "refund_create",
    "GET /v1/refunds": "refund_list",
    "GET /v1/refunds/{refund}": "refund_retrieve",
    "POST /v1/refunds/{refund}": "refund_modify",
    "GET /v1/charges": "charge_list",
    "GET /v1/charges/{charge}": "charge_retrieve",
    "POST /v1/customers": "customer_create",
    "POST /v1/customers/{customer}": "customer_modify",
    "GET /v1/customers": "customer_list",
    "GET /v1/customers/{customer}": "customer_retrieve",
    "GET /v1/disputes": "dispute_list",
    "GET /v1/disputes/{dispute}": "dispute_retrieve",
    "POST /v1/disputes/{dispute}": "dispute_modify",
    "POST /v1/payouts": "payout_create",
    "GET /v1/payouts": "payout_list",
    "POST /v1/payouts/{payout}": "payout_modify",
    "GET /v1/balance_transactions": "balance_transaction_list",
    "GET /v1/balance_transactions/{row}": "balance_transaction_retrieve",
    "GET /v1/balance": "balance_retrieve",
    "GET /v1/events": "event_list",
    "GET /v1/events/{event}": "event_retrieve",
}
BEYOND_THE_SDK = {"POST /v1/payment_intents/{intent}/confirm": {"client_secret"}}
"""Parameters for browsers, which the SDK for servers leaves out."""


def parts(hint: Any, names: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what a hint is a union of."""
    if isinstance(hint, typing.ForwardRef):
        hint = eval(hint.__forward_arg__, {**vars(typing), **names})
    if isinstance(hint, str):
        hint = eval(hint, {**vars(typing), **names})
    if get_origin(hint) in {typing.NotRequired, typing.Union, UnionType}:
        for each in get_args(hint):
            yield from parts(each, names)
    else:
        yield hint


def differences(
    path: str, model: Any, described: Mapping[str, Described], modelled: Mapping[str, Param]
) -> Iterator[str]:
    """Yield what the SDK's types say otherwise than the reference."""
    names = {**vars(importlib.import_module(model.__module__)), "UntypedStripeObject": dict}
    left_out = {
        name for name, param in modelled.items() if param.kind in {ParameterKind.UNMODELLED, ParameterKind.REMOVED}
    }
    known = model.__annotations__.keys() - stripe.RequestOptions.__annotations__.keys()
    for name in sorted(known ^ described.keys()):
        if name not in left_out:
            yield f"{path}{name}: only in {'the SDK' if name in known else 'the reference'}"
    for name in sorted(known & described.keys()):
        found, here = list(parts(model.__annotations__[name], names)), described[name]
        words = {word for each in found if get_origin(each) is Literal for word in get_args(each)}
        if here.type is not Type.ARRAY and words - {""} != set(here.words):
            yield f"{path}{name}: the words are {sorted(words - {''})}"
        if here.type in {Type.OBJECT, Type.METADATA} and ("" in words) is not here.empty:
            yield f"{path}{name}: can {'' if '' in words else 'not '}be sent empty"
        if (name in model.__required_keys__) is not here.required:
            yield f"{path}{name}: required or not"
        if here.type is Type.OBJECT:
            (inner,) = [each for each in found if hasattr(each, "__required_keys__")]
            shape = {param.name: param for param in modelled[name].shape}
            yield from differences(f"{path}{name}.", inner, here.members, shape)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_reference_says_what_the_sdk_says(operation: str) -> None:
    stem = SDK[operation]
    module = importlib.import_module(f"stripe.params._{stem}_params")
    model = getattr(module, "".join(part.capitalize() for part in stem.split("_")) + "Params")
    method, path = operation.split()
    (ours,) = [each for each in SANDBOX_OPERATIONS if each.method == method and shape_of(each.path) == shape_of(path)]

    beyond = {f"{name}: only in the reference" for name in BEYOND_THE_SDK.get(operation, ())}
    assert set(differences("", model, OPERATIONS[operation], ours.accepts)) == beyond


def shape_of(path: str) -> list[str]:
    return ["{}" if part.startswith("{") else part for part in path.split("/")]
