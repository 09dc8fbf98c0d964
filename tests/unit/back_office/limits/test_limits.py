"""The limits that are in force, with their numbers and settings."""

from schemas.http.access import LimitView
from tests.unit.back_office.conftest import BackOffice
from tests.unit.back_office.fake_apis import example


async def test_each_limit_has_its_number_and_its_setting(finance: BackOffice) -> None:
    text = (await finance.page("/limits")).text
    assert "Commands on payments, for each API key. 5,000 requests/s RATE_LIMIT_WRITE_PER_S" in text


async def test_a_rate_of_nought_is_no_limit(finance: BackOffice) -> None:
    finance.command_api.answers["GET /limits"] = {"data": [{**example(LimitView), "value": 0}]}
    text = (await finance.page("/limits")).text
    assert "No limit" in text
