"""Appends the event of an export."""

from dataclasses import dataclass

from domain.ids import ExportId, MerchantId
from domain.privacy import RowsExported
from event_store.appends import NO_STREAM, Append, Appended
from event_store.event_log import EventLog
from infra.http.context import RequestContext
from infra.ids import uuid7
from schemas.envelope import EventMetadata
from schemas.events import PRIVACY_CODEC
from schemas.http.exports import RecordExportBody


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRecorder:
    """What the route works with; an application keeps it as `app.state.exports`."""

    log: EventLog

    async def record(
        self, body: RecordExportBody, *, merchant_id: MerchantId, actor: str, context: RequestContext
    ) -> tuple[ExportId, int]:
        """Record it, in a stream of its own; return its id and position. Raises infra.errors.Unavailable."""
        export_id = ExportId(uuid7())
        event = RowsExported(
            export_id=export_id,
            merchant_id=merchant_id,
            what=body.what,
            format=body.format,
            filters=body.filters,
            actor=actor,
        )
        metadata = EventMetadata(
            correlation_id=context.correlation_id,
            request_id=context.request_id,
            actor=actor,
            merchant_id=merchant_id,
        )
        append = Append.of(PRIVACY_CODEC, [event], stream_id=export_id, expected_version=NO_STREAM, metadata=metadata)
        (result,) = await self.log.append_many([append])
        assert isinstance(result, Appended), "nobody else knows the id"
        return export_id, result.position
