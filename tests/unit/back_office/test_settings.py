"""What the back office does not start with."""

import json

import pytest
from pydantic import ValidationError

from back_office.settings import BackOfficeSettings
from infra.embedded.connections import DEVELOPMENT_KEY, DEVELOPMENT_OPERATOR_KEY
from infra.settings.loading import explain
from infra.settings.staff import DEVELOPMENT_PASSWORD, DEVELOPMENT_PASSWORD_HASH
from tests.unit.back_office.conftest import settings

SAFE = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g"


def an_account(**changes: str) -> dict[str, str]:
    return {"name": "anna", "role": "support", "password_hash": SAFE, **changes}


def test_accounts_are_read_from_json() -> None:
    found = settings(back_office_staff=json.dumps([an_account(), an_account(name="bob", role="finance")]))
    assert [(each.name, each.role) for each in found.back_office_staff] == [("anna", "support"), ("bob", "finance")]


@pytest.mark.parametrize(
    ("staff", "said"),
    [
        ("[", "is not JSON"),
        ([an_account(), an_account(name="Anna")], "same name twice"),
        ([an_account(role="root")], "support"),
        ([an_account(name="4242 4242")], "pattern"),
        ([an_account(name="a/b")], "pattern"),
        ([an_account(password_hash="correct horse battery")], "pattern"),
        ([an_account(password="x")], "xtra inputs"),
    ],
)
def test_accounts_that_are_wrong_are_refused_without_being_shown(staff: object, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(back_office_staff=staff)
    lines = list(explain(refused.value))
    assert said in "\n".join(lines)
    assert "correct horse battery" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"back_office_staff": [an_account(password_hash=DEVELOPMENT_PASSWORD_HASH)]}, "development password"),
        ({"back_office_api_key": DEVELOPMENT_KEY}, "development key"),
        ({"back_office_operator_api_key": DEVELOPMENT_OPERATOR_KEY}, "development key"),
        ({"back_office_operator_api_key": "sk_change_me"}, "out of an example"),
        ({"back_office_api_key": "sk_change_me"}, "out of an example"),
    ],
)
def test_production_refuses_what_development_is_given(changes: dict[str, object], said: str) -> None:
    settings(**changes)
    with pytest.raises(ValidationError, match=said):
        settings(**changes, app_env="production")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "", "javascript:alert(1)"])
def test_addresses_of_apis_are_http(url: str) -> None:
    with pytest.raises(ValidationError, match="http"):
        settings(back_office_query_api_url=url)


def test_the_development_password_is_the_one_that_make_run_prints() -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415 - slow to load

    assert PasswordHasher().verify(DEVELOPMENT_PASSWORD_HASH, DEVELOPMENT_PASSWORD)


def test_cookies_are_secure_outside_of_development() -> None:
    assert BackOfficeSettings.model_fields["back_office_port"].default == 8003
    assert settings().is_development
    assert not settings(app_env="production").is_development
    assert not settings(app_env="test").is_development
