"""Single sign-on as the pages use it: the provider, the accounts that it opens, and who is there at the moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from back_office.staff.oidc.http import ProviderHttp
from back_office.staff.oidc.identity import Identities
from back_office.staff.oidc.provider import Client, Provider
from back_office.staff.oidc.settings import SignOnSettings
from back_office.staff.oidc.waiting import WaitingLogins


@dataclass(frozen=True, kw_only=True, slots=True)
class SignOn:
    """Single sign-on of a process."""

    provider: Provider
    identities: Identities
    waiting: WaitingLogins = field(default_factory=WaitingLogins)


@asynccontextmanager
async def sign_on_of(
    settings: SignOnSettings, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[SignOn | None]:
    """Open single sign-on as the settings have it, and close its connections; None: it is off.

    `transport`: how the provider is reached; None: over the network.
    """
    issuer, public_url = settings.back_office_oidc_issuer, settings.back_office_public_url
    client_id, secret = settings.back_office_oidc_client_id, settings.back_office_oidc_client_secret
    if issuer is None or client_id is None or secret is None or public_url is None:
        yield None
        return
    claim = settings.back_office_oidc_claim
    timeout_s = settings.back_office_oidc_timeout_ms / 1000
    client = Client.of(client_id=client_id, secret=secret, public_url=public_url, claim=claim)
    async with httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, transport=transport) as http:
        yield SignOn(
            provider=Provider(
                ProviderHttp(http, timeout_s=timeout_s),
                issuer=issuer,
                client=client,
                allows_http=settings.allows_http,
            ),
            identities=Identities(settings.back_office_staff, claim=claim),
        )
