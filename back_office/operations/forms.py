"""The forms of operations, and what happens when one is sent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import Counter
from starlette.responses import RedirectResponse

from back_office.apis.errors import ApiAway, ApiRefused, Json
from back_office.office import Office, office_of
from back_office.operations.operation import MAX_REASON_CHARS, StaffOperation
from back_office.web.addresses import segment
from back_office.web.forms import FormIncomplete
from back_office.web.templates import page
from back_office.web.visitor import Visitor, kept_fields, requires

log = structlog.get_logger(__name__)

SENT = Counter("back_office_operations_total", "Operations that staff sent, by how they ended", ["operation", "result"])

Details = Sequence[tuple[str, str]]

_OF_THE_FORM = {409, 422, 400, 501}
_UNKNOWN = (
    "The command API did not answer in time: it may have done this, or not. Look at it again before you send the form "
    "once more."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What an operation is about: what the form says of it, and where its page is."""

    details: Details
    back: str
    listed: Sequence[str] = ()
    """What else it concerns."""
    is_possible: bool = True


FindSubject = Callable[[Office, str], Awaitable[Subject]]
Done = Callable[["Attempt", Json], Response]
"""Shows what came of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """Somebody at the form."""

    request: Request
    visitor: Visitor
    operation: StaffOperation
    subject: Subject
    fields: Mapping[str, str]
    done: Done | None = None
    """None: the subject is shown, with what was done."""

    async def carry_out(self, path: str) -> Response:
        """Call the command API; show the subject, or the form with what stands in the way. What was written stays."""
        label = path.strip("/").partition("/")[0] + "." + self.operation.name
        try:
            body = self.operation.body(self.fields)
            answer = await office_of(self.request).admin_api.post(path, body, self.visitor.headers(self.request))
        except FormIncomplete as refused:
            return self.form(mistakes=refused.mistakes, status=422)
        except ApiAway:
            SENT.labels(label, "unknown").inc()
            return self.form(error=_UNKNOWN, status=503)
        except ApiRefused as refused:
            SENT.labels(label, "refused").inc()
            log.info("staff_operation_refused", operation=label, code=refused.code)
            if refused.status not in _OF_THE_FORM:
                raise
            # The sentence is that of the command line, where the box is an option.
            error = refused.detail.replace("If you are sure: --force", "If you are sure, tick the box.")
            return self.form(error=error, status=refused.status)
        SENT.labels(label, "done").inc()
        log.info("staff_operation_done", operation=label)
        if self.done is not None:
            return self.done(self, answer.body)
        self.visitor.session.notice = str(answer.body.get("said") or "It is requested. The running consumer does it.")
        return RedirectResponse(self.subject.back, status_code=303)

    def form(self, *, mistakes: Mapping[str, str] | None = None, error: str = "", status: int = 200) -> Response:
        """Show the form."""
        return page(
            self.request,
            "operations/form.html",
            self.visitor,
            status=status,
            operation=self.operation,
            subject=self.subject,
            fields=self.fields,
            most_chars=MAX_REASON_CHARS,
            mistakes=mistakes or {},
            error=error,
        )


def add_operation(
    router: APIRouter,
    operation: StaffOperation,
    *,
    place: str,
    find: FindSubject,
    done: Done | None = None,
) -> None:
    """Add form and action at `<place>/{id}/<name>`, which is also where the command API has it."""
    allowed = Depends(requires(operation.permission))
    address = f"{place}/{{thing_id}}/{operation.name}"

    async def show_form(request: Request, thing_id: str, visitor: Annotated[Visitor, allowed]) -> Response:
        given = kept_fields(request)
        return (await _begun(request, visitor, thing_id, given)).form()

    async def carry_out(request: Request, thing_id: str, visitor: Annotated[Visitor, allowed]) -> Response:
        fields = await visitor.form(request)
        attempt = await _begun(request, visitor, thing_id, fields)
        return await attempt.carry_out(f"{place}/{segment(thing_id)}/{operation.name}")

    async def _begun(request: Request, visitor: Visitor, thing_id: str, fields: Mapping[str, str]) -> Attempt:
        subject = await find(office_of(request), segment(thing_id))
        return Attempt(request=request, visitor=visitor, operation=operation, subject=subject, fields=fields, done=done)

    name = f"{place.strip('/')}.{operation.name}"
    router.add_api_route(address, show_form, methods=["GET"], response_model=None, name=f"{name}.form")
    router.add_api_route(address, carry_out, methods=["POST"], response_model=None, name=name)
