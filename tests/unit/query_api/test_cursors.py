"""Cursors come back as the keys they were made of, and nothing else is taken for one."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import PaymentId
from infra.http.problems import Problem
from projections.disputes.read import DisputeKey
from projections.ledger.read import EntryKey
from projections.payments.read import PageKey
from projections.reconciliation.read import DayKey
from query_api.cursors import (
    decode_day,
    decode_dispute,
    decode_entry_key,
    decode_key,
    decode_version,
    encode_day,
    encode_dispute,
    encode_entry_key,
    encode_key,
    encode_version,
)
from schemas.http.times import timestamp

DECODERS: list[Callable[[str], object]] = [decode_key, decode_entry_key, decode_version, decode_day, decode_dispute]
ID = UUID("019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")

moments = st.datetimes(timezones=st.just(UTC))


@given(created_at=moments, payment_id=st.uuids())
def test_a_cursor_of_payments_is_exact_to_the_microsecond(created_at: datetime, payment_id: PaymentId) -> None:
    key = PageKey(created_at=created_at, payment_id=payment_id)
    assert decode_key(encode_key(key)) == key


@given(due=moments, payment_id=st.uuids())
def test_a_cursor_of_disputes_is_exact(due: datetime, payment_id: PaymentId) -> None:
    for text in (timestamp(due), "~"):
        key = DisputeKey(due=text, payment_id=payment_id)
        assert decode_dispute(encode_dispute(key)) == key


@given(version=st.integers(min_value=1, max_value=2**63 - 1))
def test_a_cursor_of_a_timeline_is_exact(version: int) -> None:
    assert decode_version(encode_version(version)) == version


@given(day=st.dates(), row_id=st.uuids())
def test_a_cursor_of_days_is_exact(day: date, row_id: UUID) -> None:
    assert decode_day(encode_day(DayKey(date=day, row_id=row_id))) == DayKey(date=day, row_id=row_id)


@given(at=moments, position=st.integers(min_value=1, max_value=2**63 - 1), number=st.integers(0, 2**15 - 1))
def test_a_cursor_of_entries_is_exact(at: datetime, position: int, number: int) -> None:
    key = EntryKey(at=at, position=position, number=number)
    assert decode_entry_key(encode_entry_key(key)) == key


def packed(document: str) -> str:
    return urlsafe_b64encode(document.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "document",
    [
        *("[true]", "[1.0]", "[1e3]", "[null]", '["1"]', "[[1]]", "1", "true", "{}", "[]", "[1,1]", "[ 1]", "[1] "),
        *(
            "[0,true,true]",
            "[true,1,1]",
            "[0,1.0,1]",
            "[0,0,0]",
            "[0,1,-1]",
            "[0,1,32768]",
            "[0,9223372036854775808,1]",
        ),
        *(f'[true,"{ID}"]', f'[0.0,"{ID}"]', f'[0,"{ID.hex}"]', f'[0,"{{{ID}}}"]', f'[0,"{str(ID).upper()}"]'),
        *(
            f'[1e99,"{ID}"]',
            f'[{10**18},"{ID}"]',
            f'[-{10**18},"{ID}"]',
            f'["20260501","{ID}"]',
            f'["2026-W18","{ID}"]',
        ),
        *(f'["2026-05-01T00:00:00","{ID}"]', f'["2026-05-01","{ID}",1]', "[" * 80),
    ],
)
def test_what_only_looks_like_a_cursor_is_400(document: str) -> None:
    for decode in DECODERS:
        assert refusal(decode, packed(document)) == (400, "invalid_cursor")


@pytest.mark.parametrize("change", ["{}=", "{}!", " {}", "{}\n", "!{}", "{}=="])
def test_a_cursor_has_one_spelling(change: str) -> None:
    assert refusal(decode_version, encode_version(1)) is None
    assert refusal(decode_version, change.format(encode_version(1))) == (400, "invalid_cursor")


def refusal(decode: Callable[[str], object], text: str) -> tuple[int, str] | None:
    try:
        decode(text)
    except Problem as problem:
        return problem.status, problem.code
    return None


@given(text=st.text(max_size=60))
def test_any_text_is_a_cursor_or_a_400(text: str) -> None:
    for decode in DECODERS:
        assert refusal(decode, text) in {None, (400, "invalid_cursor")}


@pytest.mark.parametrize("version", [0, -1, 2**63])
def test_a_version_that_cannot_be_is_400(version: int) -> None:
    with pytest.raises(Problem):
        decode_version(encode_version(version))


def test_a_cursor_can_stand_in_a_url_as_it_is() -> None:
    assert encode_version(2**62).isalnum()
