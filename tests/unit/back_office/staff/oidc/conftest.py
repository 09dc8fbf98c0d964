"""A back office with single sign-on, and a browser that goes to the provider and back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from back_office.staff.oidc.settings import SignOnSettings
from back_office.staff.oidc.sign_on import sign_on_of
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.unit.back_office.conftest import _HASH, BackOffice, opened, settings
from tests.unit.back_office.fake_apis import FakeApi, a_command_api, a_query_api

ISSUER = "https://id.test/realm"
OFFICE = "https://office.test"
HERE = {"Sec-Fetch-Site": "same-origin"}
STAFF = [
    {"name": "finance", "role": "finance", "oidc_identity": "Anna@bank.example"},
    {"name": "support", "role": "support", "password_hash": _HASH, "oidc_identity": "sam@bank.example"},
    {"name": "operator", "role": "operator", "password_hash": _HASH},
]


def sign_on_settings(**changes: object) -> Any:
    given: dict[str, object] = {
        "back_office_staff": STAFF,
        "back_office_oidc_issuer": ISSUER,
        "back_office_oidc_client_id": CLIENT_ID,
        "back_office_oidc_client_secret": CLIENT_SECRET,
        "back_office_public_url": f"{OFFICE}/",
        **changes,
    }
    return settings(**given)


@dataclass
class Network(httpx.AsyncBaseTransport):
    """How the provider is reached."""

    provider: OidcProvider
    down: set[str] = field(default_factory=set)
    """How paths end that do not answer."""
    answers: dict[str, httpx.Response] = field(default_factory=dict)
    """What is answered in the place of the provider, by the end of the path."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "id.test", "nobody else is called"
        if any(request.url.path.endswith(each) for each in self.down):
            raise httpx.ConnectError("refused", request=request)
        for end, answer in self.answers.items():
            if request.url.path.endswith(end):
                return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return await httpx.ASGITransport(self.provider.app()).handle_async_request(request)


@dataclass(kw_only=True)
class SignOnOffice:
    """The back office, the provider, and how they reach each other."""

    office: BackOffice
    provider: OidcProvider
    network: Network

    async def begin(self, then: str = "") -> httpx.Response:
        """Follow the link of the log-in's page."""
        shown = await self.office.page("/login" + (f"?{httpx.QueryParams(next=then)}" if then else ""))
        (link,) = [each for each in shown.links if each.startswith("/login/oidc")]
        return await self.office.browser.get(link, headers=HERE)

    async def at_provider(self, begun: httpx.Response) -> str:
        """Log in at the provider; return the address that it leads back to."""
        assert begun.status_code == 303, begun.text
        async with httpx.AsyncClient(transport=self.network) as browser:
            back = (await browser.get(begun.headers["location"])).headers["location"]
        assert back.startswith(f"{OFFICE}/login/oidc/callback?")
        return str(back)

    async def log_in(self, then: str = "") -> httpx.Response:
        """Go to the provider and back."""
        back = await self.at_provider(await self.begin(then))
        return await self.office.browser.get(back, headers={"Sec-Fetch-Site": "cross-site"})

    async def is_in(self) -> bool:
        """Whether the browser has an open session."""
        return (await self.office.browser.get("/payments")).status_code == 200


@pytest.fixture
def given() -> SignOnSettings:
    return sign_on_settings()  # type: ignore[no-any-return]


@pytest_asyncio.fixture
async def sign_on(given: Any) -> AsyncIterator[SignOnOffice]:
    async with opened_with_sign_on(given, a_command_api()) as found:
        yield found


@asynccontextmanager
async def opened_with_sign_on(given: Any, command_api: FakeApi) -> AsyncIterator[SignOnOffice]:
    """Open a back office and its provider, and close them."""
    provider = OidcProvider(issuer=ISSUER, redirect_uri=f"{OFFICE}/login/oidc/callback")
    network = Network(provider)
    async with (
        sign_on_of(given, transport=network) as found,
        opened(given, a_query_api(), command_api, sign_on=found) as office,
    ):
        yield SignOnOffice(office=office, provider=provider, network=network)
