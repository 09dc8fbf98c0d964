"""What merchants do about their webhook endpoints: each method is a transaction of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from psycopg.errors import UniqueViolation

from command_api.webhook_endpoints import errors
from infra.postgres.pool import Connection, DatabaseUnavailable, Pool
from infra.webhooks_out import deliveries, endpoints
from infra.webhooks_out.addresses import AddressPolicy
from infra.webhooks_out.deliveries import Attempt, Delivery
from infra.webhooks_out.endpoints import Endpoint, EndpointWithSecret
from infra.webhooks_out.rotation import MOST_SECRETS, TooManySecrets
from infra.webhooks_out.secret_box import SecretBox
from schemas.http.webhook_endpoints import (
    CreateWebhookEndpointBody,
    ReplayWebhooksBody,
    RotateSecretBody,
    UpdateWebhookEndpointBody,
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEndpointService:
    """What the routes work with; an application keeps it as `app.state.webhook_endpoints`.

    Methods raise Problem, RequestValidationError or infra.errors.Unavailable.
    """

    pool: Pool
    box: SecretBox
    addresses: AddressPolicy
    timeout_s: float
    now: Callable[[], datetime] = _now

    async def create(self, merchant_id: str, body: CreateWebhookEndpointBody) -> EndpointWithSecret:
        """Make an endpoint; its secret is in the answer alone."""
        self._check_url(body.url)
        async with self._transaction() as conn:
            try:
                return await endpoints.create(
                    conn,
                    self.box,
                    merchant_id=merchant_id,
                    url=body.url,
                    event_types=body.event_types,
                    description=body.description,
                    enabled=body.enabled,
                )
            except endpoints.EndpointExists:
                raise errors.endpoint_exists() from None
            except endpoints.TooManyEndpoints:
                raise errors.too_many_endpoints(endpoints.MOST_ENDPOINTS) from None

    async def list_endpoints(self, merchant_id: str) -> list[Endpoint]:
        """Return all of a merchant's."""
        async with self._transaction() as conn:
            return await endpoints.list_endpoints(conn, merchant_id=merchant_id)

    async def find(self, merchant_id: str, endpoint_id: UUID) -> Endpoint:
        """Return one."""
        async with self._transaction() as conn:
            return await _found(conn, merchant_id, endpoint_id)

    async def update(self, merchant_id: str, endpoint_id: UUID, body: UpdateWebhookEndpointBody) -> Endpoint:
        """Change what is given."""
        if body.url is not None:
            self._check_url(body.url)
        try:
            async with self._transaction() as conn:
                changed = await endpoints.update(
                    conn,
                    endpoint_id,
                    merchant_id=merchant_id,
                    url=body.url,
                    event_types=body.event_types,
                    description=body.description,
                    enabled=body.enabled,
                )
        except UniqueViolation:
            raise errors.endpoint_exists() from None
        if changed is None:
            raise errors.endpoint_not_found()
        return changed

    async def delete(self, merchant_id: str, endpoint_id: UUID) -> None:
        """Delete one; what is on its way to it is not sent any more."""
        async with self._transaction() as conn:
            if not await endpoints.delete(conn, endpoint_id, merchant_id=merchant_id):
                raise errors.endpoint_not_found()

    async def rotate_secret(self, merchant_id: str, endpoint_id: UUID, body: RotateSecretBody) -> EndpointWithSecret:
        """Give it a new secret; those before it sign too, each until its overlap is over."""
        try:
            async with self._transaction() as conn:
                rotated = await endpoints.rotate_secret(
                    conn,
                    self.box,
                    endpoint_id,
                    merchant_id=merchant_id,
                    overlap_s=body.overlap_seconds,
                    end_previous=body.end_previous_secrets,
                )
        except TooManySecrets as error:
            raise errors.too_many_secrets(MOST_SECRETS, error.first_ends_at) from None
        if rotated is None:
            raise errors.endpoint_not_found()
        return rotated

    async def deliveries(
        self, merchant_id: str, endpoint_id: UUID, *, status: str | None, before: int | None, limit: int
    ) -> tuple[list[Delivery], dict[UUID, list[Attempt]]]:
        """Return deliveries of the newest events first, and the attempts of each."""
        async with self._transaction() as conn:
            await _found(conn, merchant_id, endpoint_id)
            found = await deliveries.list_deliveries(
                conn, endpoint_id=endpoint_id, merchant_id=merchant_id, status=status, before=before, limit=limit
            )
            return found, await deliveries.list_attempts(conn, [each.delivery_id for each in found])

    async def resend(self, merchant_id: str, endpoint_id: UUID, delivery_id: UUID) -> None:
        """Have a delivery made once more."""
        async with self._transaction() as conn:
            try:
                resent = await deliveries.resend(conn, delivery_id, endpoint_id=endpoint_id, merchant_id=merchant_id)
            except deliveries.EndpointDisabled:
                raise errors.endpoint_disabled() from None
        if resent is None:
            raise errors.delivery_not_found()
        if not resent:
            raise errors.delivery_in_flight()

    async def replay(self, merchant_id: str, endpoint_id: UUID, body: ReplayWebhooksBody, *, actor: str) -> UUID:
        """Have what was recorded in a time sent once more; return the replay's id."""
        if not body.from_ <= body.until <= self.now():
            raise _invalid("until", "must not be before `from`, nor in the future")
        async with self._transaction() as conn:
            endpoint = await _found(conn, merchant_id, endpoint_id)
            if not endpoint.enabled:
                raise errors.endpoint_disabled()
            replay_id = await deliveries.request_replay(
                conn, endpoint_id=endpoint_id, from_at=body.from_, until_at=body.until, actor=actor
            )
        if replay_id is None:
            raise errors.replay_under_way()
        return replay_id

    def _check_url(self, url: str) -> None:
        problem = self.addresses.problem_with(url)
        if problem is not None:
            raise _invalid("url", problem)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(self.timeout_s), self.pool.connection() as conn:
                yield conn
        except TimeoutError:
            raise DatabaseUnavailable(f"the database did not answer within {self.timeout_s:g} s") from None


async def _found(conn: Connection, merchant_id: str, endpoint_id: UUID) -> Endpoint:
    endpoint = await endpoints.find(conn, endpoint_id, merchant_id=merchant_id)
    if endpoint is None:
        raise errors.endpoint_not_found()
    return endpoint


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value", "loc": ("body", field), "msg": message}])
