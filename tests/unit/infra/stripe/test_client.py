"""What the transport makes of an answer before anybody reads it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.stripe.client import without_nul


@pytest.mark.parametrize("text", ["a\0b", "\0\0", "\\\0", "\\u0000", "\\\\u0000", "nothing"])
def test_a_nul_in_an_answer_is_replaced_and_nothing_else(text: str) -> None:
    """People write descriptions: PostgreSQL would refuse the row, and whoever polls would end at it again and again."""
    answer = json.dumps({"description": text}).encode()
    assert json.loads(without_nul(answer)) == {"description": text.replace("\0", "\N{REPLACEMENT CHARACTER}")}


@given(st.text(alphabet='\0\\u0"a'))
def test_however_a_nul_stands_in_a_text(text: str) -> None:
    test_a_nul_in_an_answer_is_replaced_and_nothing_else(text)
