"""What the endpoints of merchants and of API keys have in common.

Reading goes through the application's login. A change goes through the login of the role paystream_access, which the
command API has only where ACCESS_DATABASE_URL is set.
"""

from typing import Annotated, Final

from fastapi import Request

from event_store.access.admin import By
from infra.access.keyring import ApiKeyring
from infra.access.principal import Principal
from infra.http.operations import Operator
from schemas.http.strict import STORABLE

NOT_CONFIGURED: Final = {501: {"access_not_configured": "This command API has no ACCESS_DATABASE_URL"}}
Text = Annotated[str, STORABLE]


def by(operator: Operator, reason: str) -> By:
    """Return who changes something by a request, and why."""
    return By(actor=operator.actor, reason=reason, is_key=True)


def configured_keys(request: Request) -> list[Principal]:
    """Return the keys of API_KEYS, which PostgreSQL does not have."""
    keyring = request.app.state.keyring
    assert isinstance(keyring, ApiKeyring)
    return list(keyring.configured)
