import time

import pytest
from pydantic import SecretStr

from command_api.webhooks.signature import is_signed
from tests.support.signed_webhooks import NEW_SECRET, SECRET, sign

RAW = '{"id":"evt_1","name":"Zoë"}'.encode()
BOTH = (SecretStr(SECRET), SecretStr(NEW_SECRET))


def signed(header: str, raw: bytes = RAW, secrets: tuple[SecretStr, ...] = BOTH, tolerance_s: int = 300) -> bool:
    return is_signed(raw, header, secrets, tolerance_s=tolerance_s)


@pytest.mark.parametrize("secret", [SECRET, NEW_SECRET])
def test_either_secret_counts_while_they_are_changed(secret: str) -> None:
    assert signed(sign(RAW, secret))


def test_a_header_may_have_several_signatures_of_which_one_counts() -> None:
    """Stripe signs with both secrets while an endpoint's secret is rolled."""
    time_part, ours = sign(RAW, NEW_SECRET).split(",")
    assert signed(f"{time_part},v1={'0' * 64},{ours},v0=abc", secrets=(SecretStr(NEW_SECRET),))


def test_an_unknown_secret_other_bytes_and_a_retired_secret_do_not_count() -> None:
    assert not signed(sign(RAW, "whsec_three"))
    assert not signed(sign(RAW), raw=RAW + b" ")
    assert not signed(sign(RAW, SECRET), secrets=(SecretStr(NEW_SECRET),))
    assert not signed(sign(RAW), secrets=())


def test_an_old_signature_does_not_count_and_one_from_a_fast_clock_does() -> None:
    assert signed(sign(RAW, age_s=290))
    assert not signed(sign(RAW, age_s=310))
    assert signed(sign(RAW, age_s=310), tolerance_s=400)
    assert signed(sign(RAW, age_s=-1000))


def test_the_time_is_signed_as_well() -> None:
    _, signature = sign(RAW, age_s=310).split(",")
    assert not signed(f"t={int(time.time())},{signature}")


@pytest.mark.parametrize(
    "header",
    ["", "t=1", "v1=abc", "t=now,v1=abc", "t=1,v0=abc", ",,,", "=", "t==,v1", f"t={'9' * 5000},v1=a", "t=1,v1=\xe9"],
)
def test_a_malformed_header_does_not_count_and_raises_nothing(header: str) -> None:
    assert not signed(header)


def test_bytes_that_are_no_text_do_not_count() -> None:
    assert not signed(sign(RAW), raw=b"\xff\xfe")


def test_an_empty_secret_never_counts() -> None:
    assert not signed(sign(RAW, ""), secrets=(SecretStr(""),))
