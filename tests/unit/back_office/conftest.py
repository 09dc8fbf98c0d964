"""The back office on stand-ins for both APIs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from fastapi import FastAPI

from back_office.app import create_app
from back_office.office import Office
from back_office.settings import BackOfficeSettings
from back_office.staff.oidc.sign_on import SignOn
from infra.process.health import Health
from infra.settings.staff import Role
from tests.support.html_page import HtmlPage
from tests.unit.back_office.fake_apis import FakeApi, a_command_api, a_query_api

PASSWORD = "correct horse battery"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
ROLES: tuple[Role, ...] = ("support", "finance", "operator", "auditor")


def settings(**changes: object) -> BackOfficeSettings:
    """Return settings with an account of each role, named after it."""
    accounts = [{"name": role, "role": role, "password_hash": _HASH} for role in ROLES]
    given = {"back_office_staff": accounts, "back_office_api_key": "sk_test_key", "app_env": "development", **changes}
    return BackOfficeSettings.model_validate(given)


@dataclass(kw_only=True)
class BackOffice:
    """The pages, as a browser without JavaScript asks for them, and the two APIs behind."""

    browser: httpx.AsyncClient
    query_api: FakeApi
    command_api: FakeApi
    office: Office
    app: FastAPI

    async def log_in(
        self, role: str = "finance", password: str = PASSWORD, then: str = "", *, code: str = ""
    ) -> httpx.Response:
        """Fill the form of the log-in and send it."""
        shown = await self.browser.get("/login", params={"next": then} if then else {})
        fields = HtmlPage(shown.text).form("/login").fields
        return await self.browser.post("/login", data={**fields, "name": role, "password": password, "code": code})

    async def page(self, address: str, status: int = 200) -> HtmlPage:
        """Open a page."""
        answer = await self.browser.get(address)
        assert answer.status_code == status, answer.text
        return HtmlPage(answer.text)

    async def send(self, address: str, **changes: str) -> httpx.Response:
        """Open the page of a form, change fields of it and send it."""
        form = (await self.page(address)).form(address.partition("?")[0])
        return await self.browser.post(form.action, data={**form.fields, **changes})


@pytest.fixture
def query_api() -> FakeApi:
    return a_query_api()


@pytest.fixture
def command_api() -> FakeApi:
    return a_command_api()


@pytest_asyncio.fixture
async def back_office(query_api: FakeApi, command_api: FakeApi) -> AsyncIterator[BackOffice]:
    """Nobody is logged in yet."""
    async with opened(settings(), query_api, command_api) as found:
        yield found


@pytest_asyncio.fixture
async def finance(back_office: BackOffice) -> BackOffice:
    """Somebody of finance is logged in."""
    answer = await back_office.log_in("finance")
    assert answer.status_code == 303
    return back_office


@pytest_asyncio.fixture
async def operator(back_office: BackOffice) -> BackOffice:
    """An operator is logged in."""
    answer = await back_office.log_in("operator")
    assert answer.status_code == 303
    return back_office


@asynccontextmanager
async def opened(
    given: BackOfficeSettings, query_api: FakeApi, command_api: FakeApi, *, sign_on: SignOn | None = None
) -> AsyncIterator[BackOffice]:
    """Open a back office with these settings, and close it."""
    office = Office.from_settings(given, command_api=command_api.api(), query_api=query_api.api(), sign_on=sign_on)
    app = create_app(office, health=Health())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://office.test") as browser:
        try:
            yield BackOffice(browser=browser, query_api=query_api, command_api=command_api, office=office, app=app)
        finally:
            await office.command_api.close()
            await office.query_api.close()
