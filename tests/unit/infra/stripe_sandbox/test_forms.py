from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.stripe_sandbox.errors import StripeError
from infra.stripe_sandbox.forms import Form, decode


@pytest.mark.parametrize(
    ("encoded", "form"),
    [
        ("", {}),
        ("amount=1000&currency=usd", {"amount": "1000", "currency": "usd"}),
        ("metadata[order]=7&metadata[who]=me", {"metadata": {"order": "7", "who": "me"}}),
        ("metadata%5Border%5D=7", {"metadata": {"order": "7"}}),
        ("a[b][c]=1", {"a": {"b": {"c": "1"}}}),
        ("expand[]=x&expand[]=y", {"expand": ["x", "y"]}),
        ("expand[0]=x&expand[1]=y", {"expand": ["x", "y"]}),
        ("items[0][price]=1&items[1][price]=2", {"items": [{"price": "1"}, {"price": "2"}]}),
        ("metadata=", {"metadata": ""}),
        ("description=a+b%26c", {"description": "a b&c"}),
        ("description=%C3%A9", {"description": "é"}),
    ],
)
def test_brackets_make_objects_and_lists(encoded: str, form: Form) -> None:
    assert decode(encoded.encode()) == form


@pytest.mark.parametrize("encoded", ["a=1&a[b]=2", "a[b=1", "[x]=1", "x=%ff", "a" + "[b]" * 9 + "=1"])
def test_contradictions_and_nonsense_are_refused(encoded: str) -> None:
    with pytest.raises(StripeError) as refused:
        decode(encoded.encode())
    assert refused.value.status == 400
    assert not refused.value.stored


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(encoded: bytes) -> None:
    with suppress(StripeError):
        assert isinstance(decode(encoded), dict)
