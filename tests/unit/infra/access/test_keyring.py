import hashlib

import pytest

from domain.access import scopes as domain
from infra.access import principal
from infra.access.keyring import ApiKeyring, StoredAccess, StoredKey
from infra.access.principal import Principal
from infra.postgres.pool import DatabaseUnavailable
from infra.settings.http import ApiKey

TOKEN = "psk_live_Ab12Cd34" + "x" * 32
SAME_PREFIX = "psk_live_Ab12Cd34" + "y" * 32


def sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def configured(token: str, merchant_id: str | None, *scopes: str) -> ApiKey:
    return ApiKey.model_validate(
        {"id": token, "sha256": sha256(token), "merchant_id": merchant_id, "scopes": list(scopes)}
    )


def stored(*tokens: str, expires_at: float | None = None, merchants: tuple[str, ...] = ("shop",)) -> StoredAccess:
    def key(token: str) -> StoredKey:
        caller = Principal(merchant_id="shop", key_id=f"id of {token}", scopes=frozenset({"payments:write"}))
        return StoredKey(sha256=sha256(token), principal=caller, expires_at=expires_at)

    return StoredAccess(keys={token[:17]: key(token) for token in tokens}, merchants=merchants)


def scopes_of(keyring: ApiKeyring, token: str) -> set[str]:
    found = keyring.find(token)
    assert found is not None
    return set(found.scopes)


def test_the_scopes_are_those_of_the_domain() -> None:
    assert principal.ACCOUNT_SCOPES == domain.ACCOUNT_SCOPES
    for each in domain.SCOPES:
        owner = None if each in domain.ACCOUNT_SCOPES else "m"
        assert configured("k", owner, each).scopes == {each}


def test_a_stored_key_is_found_by_its_prefix_and_its_hash() -> None:
    keyring = ApiKeyring([])
    assert keyring.find(TOKEN) is None
    keyring.set_stored(stored(TOKEN))
    found = keyring.find(TOKEN)
    assert found is not None
    assert found.merchant_id == "shop"
    assert found.scopes == {"payments:write"}, "it has what it was given, and no more"
    assert keyring.find(SAME_PREFIX) is None
    assert keyring.find(TOKEN + "z") is None
    assert keyring.take_used() == [f"id of {TOKEN}"]
    assert keyring.take_used() == []


def test_a_stored_key_ends_at_its_moment() -> None:
    now = [100.0]
    keyring = ApiKeyring([], wall=lambda: now[0])
    keyring.set_stored(stored(TOKEN, expires_at=200.0))
    now[0] = 199.9
    assert keyring.find(TOKEN) is not None
    now[0] = 200.0
    assert keyring.find(TOKEN) is None


def test_until_they_were_read_nobody_knows_whether_a_key_is_stored() -> None:
    keyring = ApiKeyring([configured("sk_a", "m", "payments:read")])
    keyring.expect_stored()
    with pytest.raises(DatabaseUnavailable):
        keyring.find(TOKEN)
    assert keyring.find("sk_a") is not None, "the keys of API_KEYS are known"
    assert keyring.find("sk_b") is None


def test_payments_write_of_the_settings_includes_refunds() -> None:
    keyring = ApiKeyring([configured("sk_a", "m", "payments:write"), configured("sk_b", "m", "refunds:write")])
    assert scopes_of(keyring, "sk_a") == {"payments:write", "refunds:write"}
    assert scopes_of(keyring, "sk_b") == {"refunds:write"}


def test_the_account_is_a_merchants_as_long_as_it_is_alone() -> None:
    alone = configured("sk_a", "m", "payments:read", "finance:read")
    operators = configured("sk_o", None, "finance:read")
    keyring = ApiKeyring([alone, operators])
    assert scopes_of(keyring, "sk_a") == {"payments:read", "finance:read"}
    keyring.set_stored(stored(merchants=("m",)))
    assert scopes_of(keyring, "sk_a") == {"payments:read", "finance:read"}
    keyring.set_stored(stored(merchants=("m", "n")))
    assert scopes_of(keyring, "sk_a") == {"payments:read"}
    assert scopes_of(keyring, "sk_o") == {"finance:read"}
    two = ApiKeyring([alone, configured("sk_b", "n", "payments:read")])
    assert scopes_of(two, "sk_a") == {"payments:read"}


@pytest.mark.parametrize(
    ("merchant_id", "scopes"), [(None, ["payments:read"]), (None, ["refunds:write", "finance:read"]), ("-", [])]
)
def test_a_key_of_the_settings_that_makes_no_sense_is_refused(merchant_id: str | None, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="merchant"):
        configured("sk_a", merchant_id, *scopes)
