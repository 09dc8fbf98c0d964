"""Cursors come back as the keys they were made of, and nothing else is taken for one."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.http.problems import Problem
from projections.payments.read import PageKey
from projections.reconciliation.read import DayKey
from query_api.cursors import decode_day, decode_key, decode_version, encode_day, encode_key, encode_version

moments = st.datetimes(timezones=st.just(UTC))


@given(created_at=moments, payment_id=st.uuids())
def test_a_cursor_of_payments_is_exact_to_the_microsecond(created_at: datetime, payment_id: UUID) -> None:
    key = PageKey(created_at=created_at, payment_id=payment_id)
    assert decode_key(encode_key(key)) == key


@given(version=st.integers(min_value=1, max_value=2**63 - 1))
def test_a_cursor_of_a_timeline_is_exact(version: int) -> None:
    assert decode_version(encode_version(version)) == version


@given(day=st.dates(), row_id=st.uuids())
def test_a_cursor_of_days_is_exact(day: date, row_id: UUID) -> None:
    assert decode_day(encode_day(DayKey(date=day, row_id=row_id))) == DayKey(date=day, row_id=row_id)


def refusal(decode: Callable[[str], object], text: str) -> tuple[int, str] | None:
    try:
        decode(text)
    except Problem as problem:
        return problem.status, problem.code
    return None


@given(text=st.text(max_size=60))
def test_any_text_is_a_cursor_or_a_400(text: str) -> None:
    for decode in (decode_key, decode_version, decode_day):
        assert refusal(decode, text) in {None, (400, "invalid_cursor")}


@pytest.mark.parametrize("version", [0, -1, 2**63])
def test_a_version_that_cannot_be_is_400(version: int) -> None:
    with pytest.raises(Problem):
        decode_version(encode_version(version))


def test_a_cursor_can_stand_in_a_url_as_it_is() -> None:
    assert encode_version(2**62).isalnum()
