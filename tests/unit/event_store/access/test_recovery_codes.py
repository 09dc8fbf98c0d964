"""Recovery codes: how they are drawn, written and compared."""

import pytest

from event_store.access.recovery_codes import CODES, draw_codes, hash_codes, matches, parse_code


def test_ten_different_codes_are_drawn_each_time() -> None:
    codes = draw_codes()
    assert [code[0] for code in codes] == list("0123456789")
    assert len({code[2:] for code in [*codes, *draw_codes()]}) == 2 * CODES


@pytest.mark.parametrize("written", ["3-MFRG-GZDF-MZTW-Q2LK", "3mfrggzdfmztwq2lk", " 3 mfrg gzdf mztw q2lk\t"])
def test_how_a_code_is_written_does_not_matter(written: str) -> None:
    assert parse_code(written) == (3, "MFRGGZDFMZTWQ2LK")


@pytest.mark.parametrize(
    "written", ["", "123456", "MFRG-GZDF-MZTW-Q2LK", "3-MFRG-GZDF-MZTW-Q2L", "3MFRG-GZDF-MZTW-Q2L1"]
)
def test_what_is_no_code_is_none(written: str) -> None:
    assert parse_code(written) is None


async def test_a_hash_matches_its_own_code_and_no_other() -> None:
    first, second = draw_codes()[:2]
    hashes = await hash_codes([first, second])
    assert all(each.startswith("$argon2id$") for each in hashes)
    secrets = [parsed[1] for parsed in map(parse_code, (first, second)) if parsed]
    assert [await matches(hashes[0], secret) for secret in secrets] == [True, False]
    assert not await matches("no hash", secrets[0])
