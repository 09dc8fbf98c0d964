"""Hands out the rows of a list as a file. What is exported is what the address of the list says, page for page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, get_args
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from back_office.exports.files import FORMATS, Format, as_file
from back_office.exports.filters import parameters_of
from back_office.exports.reading import all_pages
from back_office.exports.tables import TABLES, Table, Value
from back_office.office import Office, office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import START, with_query
from back_office.web.visitor import NotAllowed, Visitor, requires

log = structlog.get_logger(__name__)

EXPORTS = Counter("back_office_exports_total", "Files that were begun, by what is in them", ["what", "format"])

router = APIRouter()

_MOST_FILTERS = 30


def _list_address(_: Request, fields: Mapping[str, str]) -> str:
    """Return the address of the list with its filters: the rows are asked for below it."""
    table = TABLES.get(fields.get("what", ""))
    return START if table is None else with_query(table.path, _filters(fields.get("filters", "")))


Exporter = Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS, form_page=_list_address))]


@router.post("/exports")
async def export(request: Request, visitor: Exporter) -> Response:
    """Record the export, then stream the file. Raises FormRefused, NotAllowed, ApiAway and ApiRefused."""
    fields = await visitor.form(request)
    table = TABLES.get(fields.get("what", ""))
    form: Format | None = next((each for each in get_args(Format) if each == fields.get("format")), None)
    if table is None or form is None:
        raise HTTPException(400, "There is no such export.")
    if not visitor.may(table.permission):
        raise NotAllowed(visitor.role, table.permission)
    office = office_of(request)
    parameters, mistakes = parameters_of(fields["what"], _filters(fields.get("filters", "")), office.zone)
    if mistakes:
        raise HTTPException(422, "Correct the filters that are marked first.")
    body = {"what": fields["what"], "format": form, "filters": parameters}
    # The first page is read before anything is recorded: what the API refuses is a page of errors, no empty file.
    api = office.query_api if table.permission is Permission.EXPORT_PAYMENTS else office.finance_api
    pages = all_pages(api, table.path, parameters)
    first = await anext(pages)
    recorded = (await office.command_api.post("/exports", body, visitor.headers(request))).body
    EXPORTS.labels(fields["what"], form).inc()
    log.info("rows_exported", export_id=recorded["id"], what=fields["what"], format=form)
    return _file(office, table, form, fields["what"], _portions(table, first, pages))


def _filters(query: str) -> dict[str, str]:
    """Return the filters of an address. Raises HTTPException."""
    try:
        return dict(parse_qsl(query, max_num_fields=_MOST_FILTERS))
    except ValueError:
        raise HTTPException(400, "There are more filters than an export can have.") from None


async def _portions(
    table: Table, first: Sequence[dict[str, object]], pages: AsyncIterator[list[dict[str, object]]]
) -> AsyncIterator[list[list[Value]]]:
    yield [row for element in first for row in table.rows(element)]
    async for page in pages:
        yield [row for element in page for row in table.rows(element)]


def _file(
    office: Office, table: Table, form: Format, what: str, portions: AsyncIterator[list[list[Value]]]
) -> Response:
    now = datetime.now(UTC).astimezone(office.zone)
    name = f"{what.replace('_', '-')}-{now:%Y-%m-%d-%H%M}.{form}"
    headers: Mapping[str, str] = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(as_file(form, table.columns, portions), media_type=FORMATS[form], headers=headers)
