"""Makes inputs from the reference: good ones, and ones with one mistake."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.unit.infra.stripe_sandbox.api_reference import Described, Type

Value = Any  # a form's tree
Wrong = Iterator[tuple[str, Value]]
"""How a value is wrong, and such a value."""
_TIMES: tuple[Value, ...] = ("1800000000", {"gte": "1", "lt": "1900000000"}, {"gt": "0"}, {"lte": "1900000000"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """Ids of objects that there are."""

    ids: Mapping[str, str]

    def put(self, text: str) -> str:
        for name, value in self.ids.items():
            text = text.replace(f"{{{name}}}", value)
        return text


@dataclass(slots=True)
class Generator:
    """Makes good values of described parameters."""

    rng: random.Random
    made: Made

    def value(self, described: Described) -> Value:
        if described.empty and self.rng.random() < 0.2:
            return ""
        makers: Mapping[Type, Callable[[Described], Value]] = {
            Type.INTEGER: lambda each: self.rng.choice(each.good),
            Type.BOOLEAN: lambda each: self.rng.choice(("true", "false", *each.words)),
            Type.STRING: self._text,
            Type.ARRAY: self._array,
            Type.RANGE: lambda _: self.rng.choice(_TIMES),
            Type.METADATA: lambda _: {"order": "7", "k" * 40: "v" * 500},
            Type.OBJECT: lambda each: self.form(each.members, optional=0.5),
        }
        return makers[described.type](described)

    def form(self, members: Mapping[str, Described], *, optional: float) -> dict[str, Value]:
        chosen = {
            name: self.value(each) for name, each in members.items() if each.required or self.rng.random() < optional
        }
        return {name: value for name, value in chosen.items() if value not in (None, {})}

    def _array(self, described: Described) -> Value:
        known = described.words or described.good
        return self.rng.sample(known, self.rng.randint(1, len(known))) if known else None

    def _text(self, described: Described) -> str:
        if described.words:
            return self.rng.choice(described.words)
        if described.good:
            return self.made.put(self.rng.choice(described.good))
        return "x" * self.rng.choice((1, min(described.length, 30), described.length))


def agreeable(path: str, form: dict[str, Value]) -> dict[str, Value]:
    """Take out what the reference forbids together, and put in what it wants to be there."""
    for one, other in (
        ("starting_after", "ending_before"),
        ("type", "types"),
        ("allowed_payment_method_types", "automatic_payment_methods"),
    ):
        if one in form:
            form.pop(other, None)
    unwanted: tuple[str, ...] = ()
    if path != "/v1/payment_intents":
        unwanted += ("starting_after", "ending_before")  # the object that there is, is an intent
    elif form.get("confirm") != "true":
        unwanted += ("error_on_requires_action", "off_session", "return_url")
    if path == "/v1/payouts":
        unwanted += ("source_type",)  # all the money came from cards
    kept = {name: value for name, value in form.items() if name not in unwanted}
    if "allowed_payment_method_types" in kept:
        kept["allowed_payment_method_types"] = ["card", *kept["allowed_payment_method_types"]]
    if kept.get("confirm") == "true" or path.endswith("/confirm"):
        kept |= {"payment_method": "pm_card_visa", "return_url": "https://shop.test/back"}
    if path == "/v1/refunds" and not {"charge", "payment_intent"} & kept.keys():
        kept["charge"] = "{charge}"
    return kept


def broken(
    rng: random.Random, generator: Generator, members: Mapping[str, Described], path: str
) -> Iterator[tuple[str, dict[str, Value]]]:
    """Yield requests with one mistake each, in an order of the generator's."""
    wrong: list[tuple[str, str, Value]] = [("unknown", "nonsense", "x")]
    for name, described in members.items():
        value = generator.value(described)
        wrong += [(f"{name} {how}", name, each) for how, each in breaks(described, value)]
        if described.required:
            wrong.append((f"{name} missing", name, None))
    for how, name, value in rng.sample(wrong, len(wrong)):
        form = agreeable(path, generator.form(members, optional=0))
        form.pop(name, None)
        yield how, form if value is None else form | {name: value}


def breaks(described: Described, value: Value) -> Wrong:
    """Yield how a value can be wrong, and such values."""
    yield from _BREAKS[described.type](described, value)
    if not described.empty and described.type is not Type.STRING:
        yield "empty", ""


def _simple(how: str, *wrong: Value) -> Callable[[Described, Value], Wrong]:
    return lambda _, __: ((how, each) for each in wrong)


def _text(described: Described, _: Value) -> Wrong:
    yield from (("no text", wrong) for wrong in ({"a": "b"}, ["a"]))
    if described.words:
        yield from (("not one of the words", wrong) for wrong in ("nonsense", described.words[0] + "x"))
    else:
        yield "too long", "x" * (described.length + 1)


def _array(described: Described, _: Value) -> Wrong:
    yield from (("no array", wrong) for wrong in ("card", {"a": "card"}))
    yield "not of texts", [["card"]]
    if described.words:
        yield "not one of the words", [described.words[0], "nonsense"]


def _metadata(_: Described, __: Value) -> Wrong:
    yield from (("no object", wrong) for wrong in ("text", {"k": {"a": "b"}}))
    yield "too long", {"k": "v" * 501}
    yield "too many", {f"k{number}": "v" for number in range(51)}


def _object(described: Described, value: Value) -> Wrong:
    given: dict[str, Value] = value if isinstance(value, dict) else {}
    yield from (("no object", wrong) for wrong in ("text", ["a"]))
    yield "unknown member", {**given, "nonsense": "x"}
    for member, inner in described.members.items():
        others = {name: each for name, each in given.items() if name != member}
        if inner.required and others:
            yield f"without {member}", others
        yield from ((f"{member} {how}", {**others, member: wrong}) for how, wrong in breaks(inner, given.get(member)))


_BREAKS: Mapping[Type, Callable[[Described, Value], Wrong]] = {
    Type.INTEGER: _simple("no integer", "ten", "1.5", "0x10", {"a": "1"}, ["1"]),
    Type.BOOLEAN: _simple("no boolean", "yes", "1", "True", ["true"], {"a": "true"}),
    Type.STRING: _text,
    Type.ARRAY: _array,
    Type.RANGE: _simple("no range", "yesterday", {"from": "1"}, {"gte": "x"}, ["1"]),
    Type.METADATA: _metadata,
    Type.OBJECT: _object,
}
