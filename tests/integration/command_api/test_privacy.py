"""A user is looked at, handed out and erased over HTTP, on a real event store."""

import hashlib

import httpx
import pytest

from command_api.app import bare_app
from command_api.privacy.service import PersonalDataService
from domain.privacy import UserErased, UserExported
from event_store.privacy.vault import Vault
from event_store.store import Connection, append, load
from infra.access.keyring import ApiKeyring
from infra.settings.http import ApiKey
from schemas.events import PRIVACY_CODEC
from schemas.events.privacy_events import stream_id_of
from schemas.http.privacy import ErasureAnswer, UserDataPreview
from tests.integration.event_store.privacy.conftest import encrypting, vault
from tests.integration.event_store.privacy.test_erase import a_known_payment, read
from tests.support.database import Database
from tests.support.personal_payments import DESCRIPTION, SUBJECT, a_payment
from tests.support.vaults import METADATA_KEYS

__all__ = ["encrypting", "vault"]
pytestmark = pytest.mark.integration

BODY = {"merchant_id": SUBJECT.merchant_id, "user_id": SUBJECT.user_id, "reason": "a letter"}


def client(database: Database, vault: Vault) -> httpx.AsyncClient:
    app = bare_app()
    scopes = frozenset({"admin:read", "admin:write", "actor:set"})
    app.state.keyring = ApiKeyring(
        [ApiKey(id="k", sha256=_digest("z"), merchant_id=SUBJECT.merchant_id, scopes=scopes)]
    )
    app.state.personal_data = PersonalDataService(
        database_url=database.url("erasure"), vault=vault, metadata_keys=METADATA_KEYS
    )
    headers = {"Authorization": "Bearer z"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api", headers=headers)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_the_preview_says_what_is_reached_and_changes_nothing(
    database: Database, encrypting: Connection, vault: Vault
) -> None:
    stream_id = await a_known_payment(encrypting)
    async with client(database, vault) as api:
        answer = await api.get(
            "/privacy/user-data", params={"merchant_id": SUBJECT.merchant_id, "user_id": SUBJECT.user_id or ""}
        )
    assert answer.status_code == 200
    shown = UserDataPreview.model_validate_json(answer.content)
    assert (shown.payments, shown.under_way, shown.in_clear) == (1, 0, 0)
    assert any(each.startswith("pi_") for each in shown.at_stripe)
    assert (await read(encrypting, vault, stream_id))[0] == DESCRIPTION
    assert await load(encrypting, stream_id_of(SUBJECT)) == []


async def test_an_erasure_is_signed_by_who_asked_for_it(
    database: Database, encrypting: Connection, vault: Vault
) -> None:
    stream_id = await a_known_payment(encrypting)
    async with client(database, vault) as api:
        answer = await api.post("/privacy/erasures", json=BODY, headers={"Paystream-Actor": "olga"})
    receipt = ErasureAnswer.model_validate_json(answer.content)
    assert (answer.status_code, receipt.keys, receipt.payments) == (200, 2, 1)
    assert (await read(encrypting, vault, stream_id))[0] == "[erased]"
    (recorded,) = await load(encrypting, stream_id_of(SUBJECT))
    event = PRIVACY_CODEC.decode(recorded)
    assert isinstance(event, UserErased)
    assert event.actor == recorded.metadata.actor == "api:k/olga"
    assert event.reason == "a letter"


async def test_while_a_payment_is_under_way_only_force_erases(
    database: Database, encrypting: Connection, vault: Vault
) -> None:
    await append(encrypting, [a_payment()])
    async with client(database, vault) as api:
        refused = await api.post("/privacy/erasures", json=BODY)
        assert (refused.status_code, refused.json()["code"]) == (409, "erasure_refused")
        assert (await api.post("/privacy/erasures", json={**BODY, "force": True})).status_code == 200


async def test_everything_is_handed_out_in_clear_and_that_is_recorded(
    database: Database, encrypting: Connection, vault: Vault
) -> None:
    await a_known_payment(encrypting)
    async with client(database, vault) as api:
        answer = await api.post("/privacy/exports", json=BODY)
    assert answer.status_code == 200
    assert DESCRIPTION in answer.text
    (recorded,) = await load(encrypting, stream_id_of(SUBJECT))
    assert isinstance(PRIVACY_CODEC.decode(recorded), UserExported)
