"""What the back office does not start with, and what it says then."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.settings.loading import explain
from tests.unit.back_office.conftest import _HASH, settings
from tests.unit.back_office.staff.oidc.conftest import STAFF, sign_on_settings

NAMES = ("BACK_OFFICE_OIDC_ISSUER", "BACK_OFFICE_OIDC_CLIENT_ID", "BACK_OFFICE_OIDC_CLIENT_SECRET")
TOGETHER = (*NAMES, "BACK_OFFICE_PUBLIC_URL")
BY_PASSWORD = {"name": "anna", "role": "support", "password_hash": _HASH}
BY_SIGN_ON = {"name": "bob", "role": "operator", "oidc_identity": "bob@bank.example"}


def said(**changes: object) -> str:
    with pytest.raises(ValidationError) as refused:
        sign_on_settings(**changes)
    return "\n".join(explain(refused.value))


def test_all_of_them_or_none() -> None:
    assert sign_on_settings().has_sign_on
    assert not settings().has_sign_on
    for left_out in TOGETHER:
        lines = said(**{left_out.lower(): None})
        assert f"single sign-on needs {left_out} too" in lines


def test_what_is_missing_is_named_at_once() -> None:
    lines = said(**{name.lower(): None for name in TOGETHER[1:]})
    assert all(name in lines for name in TOGETHER[1:])


@pytest.mark.parametrize("name", ["back_office_oidc_issuer", "back_office_public_url"])
@pytest.mark.parametrize(
    "url",
    [
        *("http://id.example", "id.example", "https://", "ftp://id.example", "https://a:b@id.example"),
        *("https://id.example/?x=1", "https://id.example/#x", "http://localhost.evil.example", "https://id .example"),
        *("javascript:alert(1)", "https://[::1"),
    ],
)
def test_addresses_are_of_tls(name: str, url: str) -> None:
    lines = said(**{name: url})
    assert name.upper() in lines
    assert url == "https://" or url not in lines, "it may have a password"


@pytest.mark.parametrize("url", ["http://localhost:9000/realm", "http://127.0.0.1:9000", "http://[::1]:9000"])
def test_this_machine_needs_no_tls_in_development_alone(url: str) -> None:
    sign_on_settings(back_office_oidc_issuer=url, back_office_public_url=url)
    for env in ("production", "test"):
        assert "BACK_OFFICE_OIDC_ISSUER" in said(back_office_oidc_issuer=url, app_env=env)


def test_the_client_secret_is_shown_nowhere() -> None:
    found = sign_on_settings(back_office_oidc_client_secret="hush-hush")
    assert "hush-hush" not in repr(found)
    assert "hush-hush" not in said(back_office_oidc_client_secret="hush-hush", back_office_oidc_issuer="x")
    for wrong in ("  ", "pässword", "a\nb"):
        assert "is empty, or has signs beyond ASCII" in said(back_office_oidc_client_secret=wrong)
        assert "BACK_OFFICE_OIDC_CLIENT_ID" in said(back_office_oidc_client_id=wrong)
    assert "out of an example" in said(back_office_oidc_client_secret="change-me", app_env="production")


@pytest.mark.parametrize("missing", [*NAMES, None])
def test_passwords_are_not_turned_off_without_anything_in_their_place(missing: str | None) -> None:
    off: dict[str, Any] = dict.fromkeys([name.lower() for name in NAMES])
    changes = off if missing is None else {missing.lower(): None}
    assert "BACK_OFFICE" in said(back_office_password_login=False, **changes)


def test_passwords_are_not_turned_off_where_nobody_could_log_in_then() -> None:
    lines = said(back_office_password_login=False, back_office_staff=[BY_PASSWORD])
    assert "nobody of BACK_OFFICE_STAFF could log in" in lines
    found = sign_on_settings(back_office_password_login=False, back_office_staff=[BY_PASSWORD, BY_SIGN_ON])
    assert [each.name for each in found.accounts_without_log_in] == ["anna"], "it is said when it starts"


def test_accounts_of_sign_on_alone_need_it() -> None:
    with pytest.raises(ValidationError, match="nobody of BACK_OFFICE_STAFF could log in"):
        settings(back_office_staff=[BY_SIGN_ON])
    found = settings(back_office_staff=[BY_SIGN_ON, BY_PASSWORD])
    assert [each.name for each in found.accounts_without_log_in] == ["bob"]
    assert sign_on_settings().accounts_without_log_in == []


@pytest.mark.parametrize(
    ("staff", "words"),
    [
        ([{"name": "anna", "role": "support"}], "neither a password_hash nor an oidc_identity"),
        ([BY_SIGN_ON, {**BY_SIGN_ON, "name": "eve"}], "same oidc_identity twice"),
        ([BY_SIGN_ON, {**BY_SIGN_ON, "name": "eve", "oidc_identity": "BOB@bank.example"}], "same oidc_identity twice"),
        ([{**BY_SIGN_ON, "oidc_identity": ""}], "pattern"),
        ([{**BY_SIGN_ON, "oidc_identity": "bob @bank.example"}], "pattern"),
        ([{**BY_SIGN_ON, "oidc_identity": "bob@ban\u212a.example"}], "pattern"),
        ([{**BY_SIGN_ON, "oidc_identity": "248289761001"}], "is no e-mail address"),
    ],
)
def test_identities_that_are_wrong_are_refused(staff: object, words: str) -> None:
    assert words in said(back_office_staff=staff)


def test_a_subject_is_no_address() -> None:
    staff = [*STAFF, {**BY_SIGN_ON, "oidc_identity": "248289761001"}]
    assert sign_on_settings(back_office_oidc_claim="sub", back_office_staff=staff).has_sign_on
    assert "BACK_OFFICE_OIDC_CLAIM" in said(back_office_oidc_claim="preferred_username")
