"""Restricted keys: what a dashboard would make (https://dashboard.stripe.com/apikeys)."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from infra.stripe_sandbox.auth import SECRET_TEST_KEY, masked
from infra.stripe_sandbox.ids import account_of
from infra.stripe_sandbox.json_types import Json
from infra.stripe_sandbox.panel import Body, Panel, RefusedError, parsed
from infra.stripe_sandbox.permissions import PERMISSIONS
from infra.stripe_sandbox.restricted_keys import RestrictedKey


class NewRestrictedKey(Body):
    """A key and what it may do; without `account_of`, another key of the account, it is an account of its own."""

    key: Annotated[str, Field(pattern=r"^rk_test_[A-Za-z0-9_]+$")]
    permissions: list[str]
    account_of: Annotated[str, Field(pattern=SECRET_TEST_KEY.pattern)] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPages:
    """The page of keys."""

    panel: Panel

    def routes(self) -> list[Route]:
        """Return the page's route."""
        return [Route("/_sandbox/restricted_keys", self.panel.page(self._keys), methods=["GET", "POST"])]

    async def _keys(self, request: Request) -> Json:
        keys = self.panel.world.restricted_keys
        if request.method == "POST":
            new = await parsed(request, NewRestrictedKey)
            unknown = sorted(set(new.permissions) - PERMISSIONS)
            if unknown:
                raise RefusedError(
                    f"no such permission: {', '.join(unknown)}; there are {', '.join(sorted(PERMISSIONS))}"
                )
            keys.made[new.key] = RestrictedKey(
                key=new.key,
                account=account_of(new.account_of or new.key),
                permissions=frozenset(new.permissions),
            )
        return [
            {"key": masked(each.key), "account": each.account, "permissions": sorted(each.permissions)}
            for each in keys.made.values()
        ]
