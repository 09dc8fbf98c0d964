"""Calls to Stripe, as operators see them."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from schemas.http.answers import Answer, Json, Timestamp

_TASK: Json = {
    "id": "019ab3c4-7f80-7192-9c3d-4e5f60718293",
    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "operation": "create_refund",
    "status": "dead",
    "attempts": 7,
    "created_at": "2026-05-01T10:06:40.123Z",
    "due_at": "2026-05-01T10:09:40.123Z",
    "last_error": "500 api_error",
}


class TaskView(Answer):
    """A call to Stripe that is to be made, or was."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TASK]})

    id: Annotated[UUID, Field(description="The id of the requesting event.")]
    payment_id: UUID
    operation: str
    status: Annotated[str, Field(description="`due`, `leased`, `unknown`, `dead` or `done`.")]
    attempts: int
    created_at: Timestamp
    due_at: Timestamp
    last_error: str | None


class TaskList(Answer):
    """Tasks, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_TASK], "count": 1}]})

    data: list[TaskView]
    count: Annotated[int, Field(description="How many there are in all.")]
