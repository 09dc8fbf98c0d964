"""What is of all merchants goes with the operator's key where there is one, and payments with the merchant's."""

import httpx
import pytest

from back_office.app import create_app
from back_office.office import Office, OperatorApis
from infra.process.health import Health
from tests.unit.back_office.conftest import BackOffice, settings
from tests.unit.back_office.fake_apis import FakeApi, a_command_api, a_query_api
from tests.unit.back_office.test_pages import OPERATORS_PAGES, PAGES

OF_ALL = (
    *("/ledger", "/reconciliations", "/discrepancies", "/payouts", "/system", "/tasks", "/dead-letters", "/sagas"),
    *("/stripe-events", "/merchants", "/api-keys", "/limits", "/staff"),
)


def paths(*apis: FakeApi) -> set[str]:
    return {request.url.path for api in apis for request in (*api.requested, *api.sign_ins, *api.lock_reads)}


@pytest.mark.parametrize("role", ["finance", "operator"])
async def test_each_page_goes_with_the_key_that_may(role: str) -> None:
    merchants, operators = (a_command_api(), a_query_api()), (a_command_api(), a_query_api())
    apis = [each.api() for each in (*merchants, *operators)]
    office = Office.from_settings(
        settings(),
        command_api=apis[0],
        query_api=apis[1],
        operators=OperatorApis(command_api=apis[2], query_api=apis[3]),
    )
    app = create_app(office, health=Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://office.test") as browser:
        pages = BackOffice(browser=browser, query_api=merchants[1], command_api=merchants[0], office=office, app=app)
        await pages.log_in(role)
        for page in (*PAGES, *OPERATORS_PAGES, "/search?q=ch_1"):
            await browser.get(page)
    assert not {path for path in paths(*merchants) if path.startswith(OF_ALL)}
    assert {path for path in paths(*merchants) if path.startswith("/payments")}
    assert {"/ledger/entries", "/system", "/payouts", "/staff-locks", f"/staff/{role}/sign-ins"} <= paths(*operators)
    assert not {path for path in paths(*operators) if not path.startswith(OF_ALL)}
    for api in apis:
        await api.close()
