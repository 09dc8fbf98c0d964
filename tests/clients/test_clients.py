"""What people generate from the published documents compiles, and pays and refunds at the running system."""

from pathlib import Path

import pytest

from infra.embedded.connections import DEVELOPMENT_KEY
from tests.clients.generated import CLIENTS
from tests.support.system import System

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.mark.parametrize("client", [pytest.param(each, marks=pytest.mark.needs_tools_of(each)) for each in CLIENTS])
async def test_a_generated_client_pays_and_refunds(client: str, system: System, tmp_path: Path) -> None:
    environment = {
        "COMMAND_URL": system.stack.urls.command_api,
        "QUERY_URL": system.stack.urls.query_api,
        "API_KEY": DEVELOPMENT_KEY,
    }

    said = await CLIENTS[client](tmp_path, environment)

    payment_id = said.split()[-1]
    payment = await system.payment(payment_id)
    assert (payment["status"], payment["amount_refunded_cents"]) == ("succeeded", 400)
    assert len(await system.charges(payment_id)) == len(await system.refunds(payment_id)) == 1
