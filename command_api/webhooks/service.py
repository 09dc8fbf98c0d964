"""One webhook from its bytes to the log. Nothing of Stripe is called, and nothing is decided from its content."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

import structlog
from prometheus_client import Counter
from pydantic import SecretStr

from command_api.admission import Admission
from command_api.errors import ShuttingDown
from command_api.webhooks.errors import InvalidEvent, InvalidSignature, LivemodeMismatch, TooLarge, WebhookRefused
from command_api.webhooks.signature import is_signed
from event_store.appends import NO_STREAM, Append, AppendResult, EventTooLarge, VersionConflict
from event_store.group_commit import Appender, Closed
from infra.card_numbers import mask_card_numbers
from infra.errors import Unavailable
from infra.http.context import RequestContext
from infra.postgres.pool import DatabaseUnavailable
from infra.settings.stripe import StripeWebhookSettings
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import StripeEventReceived, stream_id_of
from schemas.stripe_webhooks.read import NotAnEvent, read_event

log = structlog.get_logger(__name__)

ACTOR = "stripe"
WEBHOOKS = Counter(
    "stripe_webhooks_total",
    "Webhooks of Stripe by type and what became of them: recorded, duplicate, or the code of the refusal. "
    "The type of what is not known to be Stripe's is -",
    ["type", "result"],
)
_UNKNOWN_TYPE = "-"


class WebhookResult(StrEnum):
    """What became of a webhook."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    """It is in the log already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookIntake:
    """Receives webhooks. `livemode`: of our key."""

    appender: Appender
    secrets: tuple[SecretStr, ...]
    livemode: bool
    tolerance_s: int
    max_bytes: int
    timeout_s: float
    admission: Admission = field(default_factory=lambda: Admission("webhook"))

    @classmethod
    def from_settings(
        cls,
        settings: StripeWebhookSettings,
        appender: Appender,
        *,
        timeout_s: float,
        admission: Admission,
    ) -> "WebhookIntake":
        """Return an intake as the settings say; an event that is not recorded within `timeout_s` is refused."""
        return cls(
            appender=appender,
            secrets=settings.stripe_webhook_secret,
            livemode=settings.stripe_livemode,
            tolerance_s=settings.stripe_webhook_tolerance_s,
            max_bytes=settings.stripe_webhook_max_bytes,
            timeout_s=timeout_s,
            admission=admission,
        )

    async def receive(self, raw: bytes, signature: str, context: RequestContext) -> WebhookResult:
        """Record an event, unless it is recorded already.

        Raises WebhookRefused or infra.errors.Unavailable; after the latter it may be recorded, and coming again it
        is a duplicate.
        """
        event_type, result = _UNKNOWN_TYPE, "error"
        try:
            if not is_signed(raw, signature, self.secrets, tolerance_s=self.tolerance_s):
                raise InvalidSignature
            event = self._read(raw)
            event_type = event.type
            if event.livemode is not self.livemode:
                raise LivemodeMismatch(livemode=event.livemode)
            received = await self._record(event, context)
        except (WebhookRefused, Unavailable) as error:
            result = error.code
            # Anybody can cause this by a request: it is not worth a warning.
            emit = log.info if isinstance(error, InvalidSignature) else log.warning
            emit("stripe_webhook_refused", result=result, type=event_type, reason=str(error))
            raise
        else:
            result = received.value
            log.info("stripe_webhook_taken", stripe_event_id=event.stripe_event_id, type=event_type, result=result)
            return received
        finally:
            WEBHOOKS.labels(event_type, result).inc()

    def refuse(self, error: WebhookRefused) -> WebhookRefused:
        """Count a request that is refused before its bytes are looked at."""
        log.info("stripe_webhook_refused", result=error.code, type=_UNKNOWN_TYPE, reason=str(error))
        WEBHOOKS.labels(_UNKNOWN_TYPE, error.code).inc()
        return error

    def _read(self, raw: bytes) -> StripeEventReceived:
        try:
            return read_event(raw, mask=mask_card_numbers)
        except NotAnEvent as error:
            raise InvalidEvent(str(error)) from None

    async def _record(self, event: StripeEventReceived, context: RequestContext) -> WebhookResult:
        append = Append.of(
            STRIPE_EVENT_CODEC,
            [event],
            stream_id=stream_id_of(event.stripe_event_id),
            expected_version=NO_STREAM,
            metadata=_metadata(context),
        )
        try:
            self.admission.enter()
            # A task of its own: what came too late for its answer waits to be recorded all the same, and has its place.
            recording = asyncio.ensure_future(self.appender.append(append))
            recording.add_done_callback(self._ended)
            async with asyncio.timeout(self.timeout_s):
                result = await asyncio.shield(recording)
        except Closed:
            raise ShuttingDown from None
        except EventTooLarge as error:
            raise TooLarge(error.max_bytes) from error
        except TimeoutError:
            raise DatabaseUnavailable(f"the event was not recorded within {self.timeout_s:g} s") from None
        return WebhookResult.DUPLICATE if isinstance(result, VersionConflict) else WebhookResult.RECORDED

    def _ended(self, recording: "asyncio.Future[AppendResult]") -> None:
        self.admission.leave()
        if not recording.cancelled():
            recording.exception()  # nobody may wait for it any more


def _metadata(context: RequestContext) -> EventMetadata:
    return EventMetadata(
        correlation_id=context.correlation_id,
        actor=ACTOR,
        merchant_id=NO_MERCHANT,
        request_id=context.request_id,
        traceparent=context.traceparent,
    )
