"""Where webhooks go: from the settings, and from the control panel, which are stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import ClassVar

from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.records import Record
from infra.stripe_sandbox.store import Store

ENABLED, DISABLED = "enabled", "disabled"
DELETED = "deleted"
"""It is kept, so that the deliveries to it can still be shown; lists do not have it."""
NO_ACCOUNT = ""
"""The account under which endpoints are stored: they stand beside the accounts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint(Record):
    """An address. While its secret is being rolled it has two, and each event is signed with both."""

    KIND: ClassVar[str] = "webhook_endpoint"

    url: str
    secrets: list[str] = field(repr=False)
    enabled_events: list[str] = field(default_factory=lambda: ["*"])
    account: str | None = None
    """Whose events it gets; None: those of all accounts."""
    connect: bool = False
    """Whether its events name their account, as for a Connect platform."""
    status: str = ENABLED
    description: str | None = None

    def wants(self, account: str, event_type: str) -> bool:
        """Whether events of this type of this account go there. `charge.*` stands for many types, as does `*`."""
        return (
            self.status == ENABLED
            and self.account in {None, account}
            and any(fnmatchcase(event_type, pattern) for pattern in self.enabled_events)
        )

    def shown(self) -> JsonObject:
        """Return it as the control panel shows it, without its secrets."""
        return {
            "id": self.id,
            "url": self.url,
            "enabled_events": self.enabled_events,
            "account": self.account,
            "connect": self.connect,
            "status": self.status,
            "secrets": len(self.secrets),
        }


class Endpoints:
    """All endpoints. Those of the settings stay when the sandbox forgets everything."""

    def __init__(self, store: Store, configured: tuple[Endpoint, ...] = ()) -> None:
        self._store, self._configured = store, configured
        self._all = self._read()

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all.values())

    def get(self, endpoint_id: str) -> Endpoint | None:
        """Return an endpoint, or None."""
        return self._all.get(endpoint_id)

    def add(self, endpoint: Endpoint) -> None:
        """Send events there from now on, inside the caller's transaction."""
        self._store.insert(NO_ACCOUNT, endpoint)
        self._all[endpoint.id] = endpoint

    def change(self, endpoint: Endpoint, *, before: Endpoint) -> None:
        """Replace an endpoint's state with the next one, inside the caller's transaction.

        One from the settings is changed until the process ends.
        """
        self._store.update(NO_ACCOUNT, endpoint, before=before)
        self._all[endpoint.id] = endpoint

    def remove(self, endpoint: Endpoint) -> None:
        """Stop sending there, inside the caller's transaction."""
        self._store.update(NO_ACCOUNT, replace(endpoint, status=DELETED), before=endpoint)
        del self._all[endpoint.id]

    def reload(self) -> None:
        """Read the endpoints again, after the store has changed under us."""
        self._all = self._read()

    def _read(self) -> dict[str, Endpoint]:
        found = (*self._configured, *self._store.everything(Endpoint))
        return {endpoint.id: endpoint for endpoint in found if endpoint.status != DELETED}
