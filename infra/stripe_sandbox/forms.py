"""Stripe's form encoding: brackets nest objects (`card[number]`), and make lists (`expand[]`, `expand[0]`).

https://docs.stripe.com/api (the API accepts form-encoded request bodies). Values stay texts here; what they mean is
for `validation.py` to say.
"""

import re
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import unquote

from infra.stripe_sandbox.errors import invalid_parameter

FormValue: TypeAlias = "str | list[FormValue] | dict[str, FormValue]"
Form: TypeAlias = dict[str, FormValue]

MAX_FIELDS = 1000
MAX_DEPTH = 8
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")


def decode(encoded: bytes) -> Form:
    """Return the tree that a form-encoded body or query string stands for.

    Raises StripeError (400) for text that is not UTF-8, for names that contradict one another, and for too many or
    too deeply nested fields.
    """
    if not encoded:
        return {}
    try:
        pairs = _pairs(encoded.decode())
    except ValueError as error:
        raise invalid_parameter("Invalid request: the body could not be read as form-encoded UTF-8.") from error
    form: Form = {}
    for name, value in pairs:
        if "[" in name:
            _place(form, name, value)
        else:
            form[name] = value
    return {name: _lists(value) if type(value) is dict else value for name, value in form.items()}


def _pairs(encoded: str) -> list[tuple[str, str]]:
    """Return names and values. Raises ValueError for too many, or for escapes that are not UTF-8."""
    if encoded.count("&") >= MAX_FIELDS:
        raise ValueError("too many fields")
    pairs = (field.partition("=") for field in encoded.split("&") if field)
    return [(_unescaped(name), _unescaped(value)) for name, _, value in pairs]


def _unescaped(text: str) -> str:
    # Most texts need none of it.
    if "+" in text:
        text = text.replace("+", " ")
    return unquote(text, errors="strict") if "%" in text else text


def _place(form: Form, name: str, value: str) -> None:
    """Put a value at its bracketed place; `a[]` counts upwards as `a[0]`, `a[1]` would."""
    path = _keys(name)
    if path is None:
        raise invalid_parameter(f"Invalid parameter name: {name}", param=name)
    node: dict[str, FormValue] = form
    for key in path[:-1]:
        child = node.setdefault(key or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid_parameter("Invalid object", param=path[0])
        node = child
    node[path[-1] or str(len(node))] = value


@lru_cache(maxsize=1024)
def _keys(name: str) -> tuple[str, ...] | None:
    """Return the keys that a bracketed name is made of, or None when it is not made so. The same few come each time."""
    head, _, rest = name.partition("[")
    keys = _BRACKETED.findall("[" + rest)
    if not head or "[" + rest != "".join(f"[{key}]" for key in keys) or len(keys) > MAX_DEPTH:
        return None
    return (head, *keys)


def _lists(value: FormValue) -> FormValue:
    """Turn objects whose names are 0, 1, 2, ... into the lists that they encode."""
    if not isinstance(value, dict):
        return value
    children = {key: _lists(child) for key, child in value.items()}
    if children and all(key == str(index) for index, key in enumerate(children)):
        return list(children.values())
    return children
