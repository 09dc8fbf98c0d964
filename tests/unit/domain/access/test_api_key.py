from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.api_key import (
    ApiKeyCommand,
    ApiKeyState,
    CreateApiKey,
    RevokeApiKey,
    RotateApiKey,
    decide_api_key,
    evolve_api_key,
    evolve_unread_api_key,
)
from domain.access.errors import AccessError, ApiKeyNotUsable, InvalidApiKey
from domain.access.scopes import MERCHANT_SCOPES, OPERATOR_SCOPES, SCOPES
from domain.ids import ApiKeyId, MerchantId
from infra.ids import uuid7

KEY, OTHER = ApiKeyId(uuid7()), ApiKeyId(uuid7())
SHOP = MerchantId("shop")
NOW = 1_780_000_000


def create(
    scopes: frozenset[str] = MERCHANT_SCOPES, merchant_id: MerchantId | None = SHOP, expires_at: int | None = None
) -> CreateApiKey:
    return CreateApiKey(
        key_id=KEY,
        prefix="psk_live_Ab12Cd34",
        merchant_id=merchant_id,
        scopes=scopes,
        now=NOW,
        expires_at=expires_at,
        actor="ops",
        reason="a test",
    )


def rotate(now: int = NOW, valid_for_s: int = 60) -> RotateApiKey:
    return RotateApiKey(replaced_by=OTHER, now=now, valid_for_s=valid_for_s, actor="ops", reason="a test")


REVOKE = RevokeApiKey(actor="ops", reason="a test")


def after(*commands: ApiKeyCommand) -> ApiKeyState | None:
    state: ApiKeyState | None = None
    for command in commands:
        for event in decide_api_key(state, KEY, command):
            state = evolve_api_key(state, event)
    return state


@given(st.frozensets(st.sampled_from(sorted(SCOPES))), st.booleans())
def test_a_key_has_scopes_of_its_owner_alone(scopes: frozenset[str], is_operators: bool) -> None:
    allowed = OPERATOR_SCOPES if is_operators else MERCHANT_SCOPES
    command = create(scopes, None if is_operators else SHOP)
    if scopes and scopes <= allowed:
        state = after(command)
        assert state is not None
        assert set(state.scopes) == scopes
    else:
        with pytest.raises(InvalidApiKey):
            after(command)


@given(
    st.lists(
        st.one_of(st.just(REVOKE), st.builds(rotate, now=st.integers(NOW, NOW + 200), valid_for_s=st.integers(0, 100))),
        max_size=6,
    ),
    st.none() | st.integers(NOW + 1, NOW + 150),
)
def test_no_command_makes_a_key_valid_for_longer(commands: list[ApiKeyCommand], expires_at: int | None) -> None:
    state = after(create(expires_at=expires_at))
    for command in commands:
        before = state
        assert before is not None
        try:
            for event in decide_api_key(state, KEY, command):
                state = evolve_api_key(state, event)
        except AccessError:
            continue
        assert state is not None
        assert state.is_revoked >= before.is_revoked
        if before.expires_at is not None:
            assert state.expires_at is not None
            assert state.expires_at <= before.expires_at


def test_a_key_that_ended_has_no_successor() -> None:
    for ended in ((create(), REVOKE), (create(expires_at=NOW + 5),), (create(), rotate())):
        with pytest.raises(ApiKeyNotUsable):
            decide_api_key(after(*ended), KEY, rotate(now=NOW + 5))
    for command in (rotate(), REVOKE):
        with pytest.raises(ApiKeyNotUsable, match="is not known"):
            decide_api_key(None, KEY, command)


def test_a_key_that_begins_after_its_end_is_refused() -> None:
    with pytest.raises(InvalidApiKey):
        after(create(expires_at=NOW))
    with pytest.raises(InvalidApiKey):
        decide_api_key(after(create()), KEY, rotate(valid_for_s=31 * 24 * 3600))


def test_a_key_of_which_not_all_can_be_read_is_revoked_and_not_rotated() -> None:
    created = reduce(evolve_api_key, decide_api_key(None, KEY, create()), None)
    revoke = RevokeApiKey(actor="ops", reason="a test")
    unread = evolve_unread_api_key(created)
    (revoked,) = decide_api_key(unread, KEY, revoke)
    assert decide_api_key(evolve_unread_api_key(evolve_api_key(unread, revoked)), KEY, revoke) == [revoked]
    with pytest.raises(ApiKeyNotUsable, match="it takes the newer release"):
        decide_api_key(unread, KEY, rotate())
    assert evolve_unread_api_key(None) is None
