"""The reads for auditors: from parameters to a response."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from starlette.responses import Response

from domain.ids import PaymentId
from infra.postgres.pool import Connection, Pool
from projections.audit import erasures, staff_log
from projections.audit.causes import causes_image
from projections.audit.history import HistoryBroken, read_history
from projections.audit.proof_files import NothingSealed, NotProved, ProofFiles, ProofsUnreadable
from projections.audit.seals import RequiredWitnesses, seals
from query_api.audit import errors, render
from query_api.audit.parameters import AuditPageParameters, StaffLogParameters
from query_api.cursors import decode_position, encode_position
from query_api.payments.errors import payment_not_found
from query_api.responses import json_response, page_response, response_headers


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReads:
    """What the routes work with; an application keeps it as `app.state.audit`."""

    log: Pool | None
    """Reads the log; None: nothing of this is shown."""
    witnesses: RequiredWitnesses
    proofs: ProofFiles | None = None

    async def causes(self, payment_id: PaymentId) -> Response:
        """Answer with the picture of what led to what. Raises Problem."""
        async with self._connection() as conn:
            try:
                history = await read_history(conn, payment_id)
            except HistoryBroken as error:
                raise errors.broken_history(str(error)) from error
        if history is None:
            raise payment_not_found()
        headers = response_headers(history.steps[-1].position)
        return Response(causes_image(history.steps), headers=headers, media_type="image/svg+xml")

    async def seals(self) -> Response:
        """Answer with how far the log is sealed and witnessed. Raises Problem."""
        async with self._connection() as conn:
            return json_response(render.seals(await seals(conn, self.witnesses)), position=None)

    async def proof(self, subject: UUID | int) -> Response:
        """Answer with an archive of proofs. Raises Problem."""
        if self.proofs is None:
            raise errors.proofs_not_configured()
        async with self._connection() as conn:
            try:
                archive = await self.proofs.archive_of(conn, subject)
            except NothingSealed as error:
                raise errors.not_sealed(str(error)) from error
            except NotProved as error:
                raise errors.not_proved(str(error)) from error
            except ProofsUnreadable as error:
                raise errors.proofs_unreadable(str(error)) from error
        if archive is None:
            raise errors.subject_not_found()
        headers = response_headers(None, {"Content-Disposition": f'attachment; filename="proofs-{subject}.zip"'})
        return Response(archive, headers=headers, media_type="application/zip")

    async def staff_log(self, parameters: StaffLogParameters) -> Response:
        """Answer with a page of what people did, newest first. Raises Problem."""
        before = decode_position(parameters.cursor) if parameters.cursor is not None else None
        async with self._connection() as conn:
            found = await staff_log.page(conn, name=parameters.name, before=before, limit=parameters.limit + 1)
        return page_response(found, parameters.limit, encode=encode_position, render=render.action, position=None)

    async def erasures(self, parameters: AuditPageParameters) -> Response:
        """Answer with a page of the register of erasures, newest first. Raises Problem."""
        before = decode_position(parameters.cursor) if parameters.cursor is not None else None
        async with self._connection() as conn:
            found = await erasures.page(conn, before=before, limit=parameters.limit + 1)
        return page_response(found, parameters.limit, encode=encode_position, render=render.erasure, position=None)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        if self.log is None:
            raise errors.log_not_configured()
        async with self.log.connection() as conn:
            yield conn
