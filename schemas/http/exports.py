"""Bodies about files that staff takes away."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from domain.ids import ExportId
from schemas.http.answers import Answer, Json, Position
from schemas.http.bodies import Body

_BODY: Json = {"what": "payments", "format": "csv", "filters": {"status": "succeeded", "currency": "EUR"}}
_ANSWER: Json = {"id": "019ab3c4-d5e6-7f89-b293-b4c5d6e7f809", "position": 4711}

FilterName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")]
FilterValue = Annotated[str, StringConstraints(max_length=500)]


class RecordExportBody(Body):
    """POST /exports."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BODY]})

    what: Annotated[
        Literal["payments", "payouts", "ledger_entries"], Field(description="The list of the query API that is read.")
    ]
    format: Literal["csv", "parquet"]
    filters: Annotated[
        dict[FilterName, FilterValue],
        Field(default_factory=dict, max_length=30, description="The parameters with which it is read."),
    ]


class ExportAnswer(Answer):
    """The record of an export."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    id: ExportId
    position: Position
