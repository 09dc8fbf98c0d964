"""What operators send with what they do, and what is answered."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from schemas.http.answers import Answer, Json
from schemas.http.bodies import StrictBody, without_default

MAX_REASON_CHARS = 500
_ASSIGNEE: Json = {"assignee": "bo", "reason": "knows the bank"}


def _said(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "say why")
    return text


Reason = Annotated[
    str,
    Field(min_length=1, max_length=MAX_REASON_CHARS, pattern=r"^[^\x00]*$", description="Why; kept in the log."),
    AfterValidator(_said),
]
Assignee = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._@+-]{0,63}$", description="A name, as people log in.")]


class ReasonBody(StrictBody):
    """What an operator does, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "seen in Stripe's Dashboard"}]})

    reason: Reason


class GiveUpBody(StrictBody):
    """Giving up, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "checked at Stripe: nothing is there"}]})

    reason: Reason
    force: Annotated[
        bool,
        Field(
            description="Even if it may have happened, or may still come to an end. Absent: false.",
            json_schema_extra=without_default,
        ),
    ] = False


class AssignBody(StrictBody):
    """Who looks into it; without an assignee, nobody any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASSIGNEE]})

    assignee: Assignee | None
    reason: Reason | None = None


class OperationAnswer(Answer):
    """What was done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"said": "It is explained."}]})

    said: Annotated[str, Field(description="In words, for people.")]
