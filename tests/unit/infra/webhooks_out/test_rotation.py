"""Rotations of secrets, in any order and at any time: whoever was promised that a secret signs can verify with it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.webhooks_out.rotation import MOST_SECRETS, PreviousSecret, SigningSecrets, TooManySecrets
from infra.webhooks_out.signature import new_secret, signed_headers
from tests.unit.docs.webhook_examples import load_python_example

EXAMPLE = load_python_example()
START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OVERLAPS = st.sampled_from([0, 1, 3600, 86_400, 7 * 86_400]) | st.integers(0, 7 * 86_400)
PAUSES = st.sampled_from([0, 1, 3600]) | st.integers(0, 2 * 86_400)


def a_secret() -> bytes:
    return new_secret().encode()


def signing(secrets: SigningSecrets, now: datetime) -> list[bytes]:
    return [secrets.newest, *(each.secret for each in secrets.previous if each.signs_until > now)]


def verifies(secret: bytes, secrets: SigningSecrets, now: datetime) -> bool:
    at = int(now.timestamp())
    headers = signed_headers([each.decode() for each in signing(secrets, now)], "msg_1", at, b"{}")
    try:
        EXAMPLE.verify(secret.decode(), headers, b"{}", now=at)
    except ValueError:
        return False
    return True


@dataclass
class Receivers:
    """What was given out, and until when it was promised to sign; the newest has no end."""

    newest: bytes = field(default_factory=a_secret)
    promised: dict[bytes, datetime] = field(default_factory=dict)


@given(steps=st.lists(st.tuples(PAUSES, OVERLAPS, st.booleans()), max_size=30))
def test_each_secret_signs_for_its_overlap_whatever_comes_between(steps: list[tuple[int, int, bool]]) -> None:
    receivers, now = Receivers(), START
    secrets = SigningSecrets(newest=receivers.newest)
    for pause_s, overlap_s, end_previous in steps:
        now += timedelta(seconds=pause_s)
        due = {secret for secret, until in receivers.promised.items() if until > now} | {receivers.newest}
        ended = receivers.promised.keys() - due
        assert [secret for secret in due if not verifies(secret, secrets, now)] == []
        assert [secret for secret in ended if verifies(secret, secrets, now)] == []
        given_out, overlap = a_secret(), timedelta(seconds=overlap_s)
        if overlap_s > 0 and not end_previous and len(due) == MOST_SECRETS:
            with pytest.raises(TooManySecrets):
                secrets.rotated(given_out, now=now, overlap=overlap)
            continue
        secrets = secrets.rotated(given_out, now=now, overlap=overlap, end_previous=end_previous)
        if end_previous:
            receivers.promised = dict.fromkeys(receivers.promised, now)
        receivers.promised[receivers.newest] = now + overlap
        receivers.newest = given_out
        assert len(signing(secrets, now)) <= MOST_SECRETS


def full() -> SigningSecrets:
    secrets = SigningSecrets(newest=a_secret())
    for number in range(1, MOST_SECRETS):
        secrets = secrets.rotated(a_secret(), now=START, overlap=number * DAY)
    return secrets


def test_beyond_the_bound_a_rotation_is_refused_until_one_ends() -> None:
    secrets = full()
    assert len(signing(secrets, START)) == MOST_SECRETS
    with pytest.raises(TooManySecrets) as refused:
        secrets.rotated(a_secret(), now=START, overlap=DAY)
    assert refused.value.first_ends_at == START + DAY
    rotated = secrets.rotated(a_secret(), now=START + DAY, overlap=DAY)
    assert len(signing(rotated, START + DAY)) == MOST_SECRETS


def test_a_leaked_secret_can_be_replaced_at_the_bound_too() -> None:
    secrets = full()
    leaked = secrets.rotated(a_secret(), now=START, overlap=timedelta(0))
    assert leaked.previous == secrets.previous
    alone = secrets.rotated(a_secret(), now=START, overlap=DAY, end_previous=True)
    assert alone.previous == (PreviousSecret(secret=secrets.newest, signs_until=START + DAY),)


def test_a_secret_that_was_replaced_last_comes_first() -> None:
    secrets = (
        SigningSecrets(newest=b"1").rotated(b"2", now=START, overlap=7 * DAY).rotated(b"3", now=START, overlap=DAY)
    )
    assert signing(secrets, START) == [b"3", b"2", b"1"]
    assert signing(secrets, START + DAY) == [b"3", b"1"]
