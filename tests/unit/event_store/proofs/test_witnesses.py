"""Who else signs a log: the settings, what is said to them, and how much enough of them have signed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from event_store.proofs.errors import MalformedProof
from event_store.proofs.note import COSIGNATURE_V1, PrivateKey
from event_store.proofs.witness_protocol import AddCheckpoint
from event_store.proofs.witnesses import configured_witnesses, signed_by_quorum, witness_key
from infra.errors import WrongSetting
from infra.settings.proofs import WitnessesSettings
from tests.unit.event_store.witness.small_logs import KEY, SmallLog

KEYS = [PrivateKey.new(f"w.example/{each}", COSIGNATURE_V1).public for each in range(3)]


def settings(witnesses: str, **given: object) -> WitnessesSettings:
    return WitnessesSettings(_env_file=None, proofs_witnesses=witnesses, **given)  # type: ignore[arg-type]


def test_witnesses_are_a_url_and_a_key_each() -> None:
    found = configured_witnesses(settings(f"https://a.example/x/  {KEYS[0]} ,http://b:1 {KEYS[1]},"))
    assert [(each.url, each.key) for each in found.all] == [
        ("https://a.example/x", KEYS[0]),
        ("http://b:1", KEYS[1]),
    ]
    assert (found.needed, found.quorum.needed, found.quorum.keys) == (2, 2, (KEYS[0], KEYS[1]))
    assert configured_witnesses(settings("")).needed == 0


@pytest.mark.parametrize(
    ("witnesses", "quorum"),
    [
        ("https://a.example", None),
        (str(KEYS[0]), None),
        (f"ftp://a {KEYS[0]}", None),
        (f"https://user:secret@a {KEYS[0]}", None),
        (f"https://a {KEYS[0]},https://b {KEYS[0]}", None),
        (f"https://a {KEYS[0]}", 2),
        (f"https://a {KEYS[0]}", 0),
        ("", 1),
    ],
    ids=["no key", "no URL", "no HTTP", "a password", "one twice", "a quorum of more", "of none", "of nobody"],
)
def test_settings_that_cannot_be_meant_are_refused(witnesses: str, quorum: int | None) -> None:
    with pytest.raises(ValidationError):
        settings(witnesses, proofs_witness_quorum=quorum)


def test_a_key_that_is_none_of_a_witness_is_refused() -> None:
    with pytest.raises(WrongSetting, match="not one of a witness"):
        configured_witnesses(settings(f"https://a {KEY.public}"))
    with pytest.raises(MalformedProof):
        witness_key(str(KEY.public))


@pytest.mark.parametrize(
    ("sizes", "needed", "witnessed"),
    [([], 1, 0), ([5], 1, 5), ([5], 2, 0), ([5, 9, 7], 1, 9), ([5, 9, 7], 2, 7), ([5, 9, 7], 3, 5), ([5], 0, 0)],
)
def test_a_witness_stands_for_all_before_what_it_signed(sizes: list[int], needed: int, witnessed: int) -> None:
    assert signed_by_quorum(dict(zip(KEYS, sizes, strict=False)), needed) == witnessed


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_request_is_read_as_it_was_written(one: int, other: int) -> None:
    request = SmallLog().request(min(one, other), max(one, other))
    assert AddCheckpoint.parse(str(request)) == request
