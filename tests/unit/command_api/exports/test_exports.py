"""The record of an export: who took which rows away."""

import uuid

import orjson
import pytest

from domain.privacy import RowsExported
from schemas.events import PRIVACY_CODEC
from schemas.http.exports import ExportAnswer
from tests.unit.command_api.conftest import Standing

BODY = {"what": "payments", "format": "csv", "filters": {"status": "succeeded"}}


async def test_an_export_is_an_event_with_the_name_of_who_took_it(api: Standing) -> None:
    headers = {"Authorization": "Bearer sk_exporter", "Paystream-Actor": "anna"}
    answer = await api.client.post("/exports", json=BODY, headers=headers)
    assert answer.status_code == 201
    found = ExportAnswer.model_validate_json(answer.content)
    (recorded,) = api.store.streams[uuid.UUID(str(found.id))]
    event = PRIVACY_CODEC.decode(recorded)
    assert isinstance(event, RowsExported)
    assert (event.what, event.format, dict(event.filters)) == ("payments", "csv", {"status": "succeeded"})
    assert event.actor == recorded.metadata.actor == "api:exporter/anna"
    assert recorded.position == found.position


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**BODY, "what": "everything"}, 422),
        ({**BODY, "format": "xls"}, 422),
        ({**BODY, "filters": {"user_id": "4242424242424242"}}, 400),
        ({**BODY, "filters": {"user id": "x"}}, 422),
        ({**BODY, "filters": {"user_id": "x" * 501}}, 422),
    ],
)
async def test_what_is_no_export_is_not_recorded(api: Standing, body: dict[str, object], status: int) -> None:
    answer = await api.client.post("/exports", json=body, headers={"Authorization": "Bearer sk_exporter"})
    assert answer.status_code == status, orjson.loads(answer.content)
    assert api.store.streams == {}


async def test_a_key_that_names_nobody_may_not_name_somebody(api: Standing) -> None:
    headers = {"Authorization": "Bearer sk_reader", "Paystream-Actor": "anna"}
    assert (await api.client.post("/exports", json=BODY, headers=headers)).status_code == 403
    assert (await api.client.post("/exports", json=BODY)).status_code == 403
