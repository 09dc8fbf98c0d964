"""What an API key may be for is the domain's to say; what the APIs and the database know of it is the same."""

import re
from pathlib import Path
from typing import get_args

from domain.access import scopes
from infra.access import principal
from infra.migrations import sql_files

CREATED = (Path(sql_files.__file__).parent / "sql" / "0050_operating_over_http.up.sql").read_text("utf-8")


def test_the_apis_know_the_scopes_of_the_domain() -> None:
    assert frozenset(get_args(principal.MerchantScope)) == scopes.MERCHANT_SCOPES
    assert principal.ACCOUNT_SCOPES == scopes.ACCOUNT_SCOPES
    assert principal.OPERATOR_SCOPES == scopes.OPERATOR_SCOPES


def test_the_database_lets_a_key_have_them_and_no_others() -> None:
    (check,) = re.findall(r"ADD CONSTRAINT scopes_of_owner CHECK \((.*?)END\)", CREATED, re.DOTALL)
    account, merchant = (frozenset(re.findall(r"'([a-z]+:[a-z]+)'", part)) for part in check.split("ELSE"))
    assert (account, merchant) == (scopes.OPERATOR_SCOPES, scopes.MERCHANT_SCOPES)
