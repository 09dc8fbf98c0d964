"""Personal data over HTTP: who may, whose it is, and what is said where it is not possible."""

from typing import Any

import pytest

from command_api.privacy.routes import _subject
from command_api.privacy.service import at_stripe
from domain.ids import MerchantId
from infra.access.principal import Principal
from infra.http.problems import Problem
from tests.unit.command_api.conftest import Standing

OPERATOR = {"Authorization": "Bearer sk_operator"}
BODY = {"merchant_id": "merchant_1", "user_id": "anna", "reason": "a letter"}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/privacy/user-data", {"params": {"merchant_id": "merchant_1", "user_id": "anna"}}),
    ("POST", "/privacy/erasures", {"json": BODY}),
    ("POST", "/privacy/exports", {"json": BODY}),
]


@pytest.mark.parametrize(("method", "path", "sent"), CALLS)
async def test_without_a_login_of_the_role_it_is_not_possible(
    api: Standing, method: str, path: str, sent: dict[str, Any]
) -> None:
    answer = await api.client.request(method, path, headers=OPERATOR, **sent)
    assert (answer.status_code, answer.json()["code"]) == (501, "erasure_not_configured")


@pytest.mark.parametrize(("method", "path", "sent"), CALLS)
async def test_only_operators_may(api: Standing, method: str, path: str, sent: dict[str, Any]) -> None:
    assert (await api.client.request(method, path, **sent)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {**BODY, "reason": "  "},
        {key: value for key, value in BODY.items() if key != "reason"},
        {key: value for key, value in BODY.items() if key != "merchant_id"},
        {**BODY, "user_id": ""},
        {**BODY, "sure": True},
        {**BODY, "force": "yes"},
        {**BODY, "force": 1},
    ],
)
async def test_what_is_no_order_is_refused(api: Standing, body: dict[str, Any]) -> None:
    assert (await api.client.post("/privacy/erasures", json=body, headers=OPERATOR)).status_code == 422


def test_a_key_of_a_merchant_reaches_that_merchants_users_alone() -> None:
    principal = Principal(merchant_id="merchant_1", key_id="k", scopes=frozenset({"admin:write"}))
    assert _subject(principal, None, "anna").merchant_id == MerchantId("merchant_1")
    with pytest.raises(Problem) as refused:
        _subject(principal, "merchant_2", "anna")
    assert refused.value.status == 403


def test_what_stripe_redacts_is_named_and_nothing_else() -> None:
    assert at_stripe({"pi_1", "re_1", "cus_1", "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"}) == ["cus_1", "pi_1"]
