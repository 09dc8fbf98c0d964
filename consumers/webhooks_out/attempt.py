"""Makes one attempt: signs and sends, and writes what came of it. No connection is held while it is sent."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from consumers.webhooks_out import metrics
from consumers.webhooks_out.bodies import Body
from consumers.webhooks_out.intake import NAME
from consumers.webhooks_out.outcomes import AttemptOutcome, DeliveryStatus, outcome_of
from consumers.webhooks_out.store import (
    Failing,
    LeasedDelivery,
    disable,
    endpoint_fails,
    endpoint_works,
    finish,
    has_moved,
    log_attempt,
)
from domain.webhook_endpoint import DisabledBecause, WebhookEndpointDisabled
from event_store.append_signal import AppendSignal
from event_store.webhook_endpoints import record_disabled
from infra.postgres.pool import Connection, Pool
from infra.webhooks_out.secret_box import SecretBox, WrongSecretsKey
from infra.webhooks_out.signature import signed_headers
from infra.webhooks_out.transport import Answer, WebhookTransport

log = structlog.get_logger(__name__)

_RESULTS = {DeliveryStatus.DELIVERED: "delivered", DeliveryStatus.DUE: "retried", DeliveryStatus.FAILED: "failed"}


class Attempts:
    """Makes attempts. `pauses_s`: before each further one; an endpoint that fails for `disable_after_s` is disabled."""

    def __init__(
        self,
        pool: Pool,
        transport: WebhookTransport,
        box: SecretBox,
        *,
        pauses_s: Sequence[float],
        disable_after_s: float,
    ) -> None:
        self._pool = pool
        self._transport = transport
        self._box = box
        self._pauses_s = tuple(pauses_s)
        self._disable_after_s = disable_after_s

    async def make(self, delivery: LeasedDelivery, body: Body) -> None:
        """Send a body and write what came of it. Without one, or without its secret, it is tried again as if it failed.

        Of a payment whose personal data was erased, what the endpoint answers in words is not kept. What the database
        raises passes: then the lease runs out, and it is sent again.
        """
        content = body.content
        headers = None if content is None else self._headers(delivery, content)
        if content is None or headers is None:
            what = "event" if content is None else "secret"
            answer = Answer(duration_ms=0, error=f"not sent: its {what} cannot be read here")
        else:
            answer = await self._transport.send(delivery.url, headers, content)
        is_sent = headers is not None
        outcome = outcome_of(answer, attempts=delivery.attempts, pauses_s=self._pauses_s)
        async with self._pool.connection() as conn:
            if is_sent and not answer.is_delivered and await has_moved(conn, delivery):
                outcome = AttemptOutcome(status=DeliveryStatus.DUE)  # at once, to where the endpoint is now
            is_ours = await finish(conn, delivery, status=outcome.status, delay_s=outcome.delay_s)
            await log_attempt(conn, delivery, replace(answer, body=None) if body.is_of_erased else answer)
            disabled = await self._record_health(conn, delivery, answer, outcome) if is_sent else None
        self._count(delivery, answer, outcome, result=_result(outcome, is_sent=is_sent, is_ours=is_ours))
        if disabled is not None:
            metrics.DISABLED.labels(disabled.because.value).inc()
            log.warning(
                "webhook_endpoint_disabled",
                endpoint_id=str(delivery.endpoint_id),
                merchant_id=delivery.merchant_id,
                because=disabled.because.value,
            )

    def _headers(self, delivery: LeasedDelivery, body: bytes) -> Mapping[str, str] | None:
        """Return what signs a body; None when one of its secrets was encrypted by a key that is not here."""
        stored = (delivery.secret, *delivery.previous_secrets)
        try:
            secrets = [self._box.decrypt(each, endpoint_id=delivery.endpoint_id) for each in stored]
        except WrongSecretsKey as error:
            log.error("webhook_secret_unreadable", endpoint_id=str(delivery.endpoint_id), error=str(error))  # noqa: TRY400
            return None
        return signed_headers(secrets, str(delivery.event_id), int(time.time()), body)

    async def _record_health(
        self, conn: Connection, delivery: LeasedDelivery, answer: Answer, outcome: AttemptOutcome
    ) -> WebhookEndpointDisabled | None:
        if answer.is_delivered:
            await endpoint_works(conn, delivery)
            return None
        failing = await endpoint_fails(conn, delivery)
        because = None if failing is None else self._reason_to_disable(failing, outcome)
        if failing is None or because is None or not await disable(conn, delivery.endpoint_id, because=because.value):
            return None
        event = WebhookEndpointDisabled(
            endpoint_id=delivery.endpoint_id,
            because=because,
            failing_since=failing.failing_since,
            failures=failing.failures,
        )
        await record_disabled(conn, event, merchant_id=delivery.merchant_id, actor=NAME)
        await AppendSignal().send(conn)
        return event

    def _reason_to_disable(self, failing: Failing, outcome: AttemptOutcome) -> DisabledBecause | None:
        if outcome.is_gone:
            return DisabledBecause.GONE
        return DisabledBecause.FAILING if failing.failing_s >= self._disable_after_s else None

    def _count(self, delivery: LeasedDelivery, answer: Answer, outcome: AttemptOutcome, *, result: str) -> None:
        metrics.ATTEMPTS.labels(result).inc()
        metrics.ATTEMPT_SECONDS.observe(answer.duration_ms / 1000)
        if outcome.status is DeliveryStatus.FAILED:
            log.warning(
                "webhook_given_up",
                delivery_id=str(delivery.delivery_id),
                endpoint_id=str(delivery.endpoint_id),
                event_id=str(delivery.event_id),
                attempts=delivery.attempts,
                error=answer.error,
            )


def _result(outcome: AttemptOutcome, *, is_sent: bool, is_ours: bool) -> str:
    if not is_ours:
        return "lease_lost"
    return _RESULTS[outcome.status] if is_sent or outcome.status is DeliveryStatus.FAILED else "unsendable"
