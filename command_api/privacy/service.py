"""From a request to what `event_store.privacy` does, on a connection of the role that may do it."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from command_api.settings import CommandApiSettings
from event_store.privacy.erase import Erased, ErasurePreview, ErasureRefused, Order, erase, preview, record_export
from event_store.privacy.export import exported
from event_store.privacy.vault import AnyVault
from infra.http.problems import Problem
from infra.postgres.pool import Connection, DatabaseUnavailable
from schemas.personal import Subject

_MARGIN_S = 1.0
_REDACTED_BY_STRIPE = ("pi_", "ch_", "py_", "cus_")


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalDataService:
    """What the routes work with; an application keeps it as `app.state.personal_data`.

    Each call has a connection of its own: they are rare and long.
    """

    database_url: str | None
    """Of the role paystream_erasure; None: it is not possible here."""
    vault: AnyVault
    metadata_keys: Collection[str] = ()
    forgotten_after_s: float = 0

    @classmethod
    def from_settings(cls, settings: CommandApiSettings, vault: AnyVault) -> "PersonalDataService":
        """Return the service of a process."""
        url = settings.erasure_database_url
        return cls(
            database_url=None if url is None else url.get_secret_value(),
            vault=vault,
            metadata_keys=settings.privacy_metadata_keys,
            forgotten_after_s=settings.privacy_key_cache_s + _MARGIN_S,
        )

    async def preview(self, subject: Subject) -> ErasurePreview:
        """Return what an erasure would reach. Raises Problem, and infra.errors.Unavailable."""
        async with self._connection() as conn:
            return await preview(conn, subject, metadata_keys=self.metadata_keys)

    async def erase(self, order: Order, *, force: bool) -> Erased:
        """Erase. Raises Problem, and infra.errors.Unavailable; done again, it does what was left."""
        async with self._connection() as conn:
            try:
                return await erase(
                    conn,
                    order,
                    metadata_keys=self.metadata_keys,
                    force=force,
                    forgotten_after_s=self.forgotten_after_s,
                )
            except ErasureRefused as refused:
                raise Problem(409, "erasure_refused", "It is not erased now", str(refused)) from None

    async def export(self, order: Order) -> dict[str, Any]:
        """Return everything about a user, after it is recorded that it is handed out. Raises as `erase` does."""
        async with self._connection() as conn:
            document, events = await exported(conn, self.vault, order.subject)
            try:
                await record_export(conn, order, events=events)
            except ErasureRefused as refused:
                raise Problem(409, "erasure_refused", "It is not handed out now", str(refused)) from None
            return document

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        if self.database_url is None:
            detail = "This command API has no ERASURE_DATABASE_URL: use paystream privacy."
            raise Problem(501, "erasure_not_configured", "Not possible here", detail)
        try:
            async with await psycopg.AsyncConnection.connect(
                self.database_url, autocommit=True, connect_timeout=5
            ) as conn:
                yield conn
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(f"the event store cannot be reached: {type(error).__name__}") from None


def at_stripe(references: Iterable[str]) -> list[str]:
    """Return what Stripe redacts on request, and nothing here can erase."""
    return sorted(each for each in references if each.startswith(_REDACTED_BY_STRIPE))
