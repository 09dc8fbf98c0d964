"""Bodies about the staff of the back office: their log-ins, recovery codes and locks."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from domain.access.events import SecondFactor, SignInMethod
from schemas.http.answers import Answer, Json, Timestamp
from schemas.http.bodies import StrictBody

_CODE = "3-MFRG-GZDF-MZTW-Q2LK"
_LOCK: Json = {
    "name": "anna",
    "is_locked": True,
    "actor": "api:back-office/olga",
    "reason": "her laptop was stolen",
    "changed_at": "2026-05-01T10:06:40.123Z",
    "lock_position": 4711,
}
Role = Annotated[Literal["support", "finance", "operator", "auditor"], Field(description="Their role.")]


class SignInBody(StrictBody):
    """How somebody signed in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "operator", "second_factor": "totp"}]})

    role: Role
    second_factor: Annotated[SecondFactor, Field(description="What they had beside the password.")]
    method: Annotated[
        SignInMethod | None, Field(description="How they showed who they are; without it, by a password.")
    ] = None


class RecoveryCodeBody(StrictBody):
    """A recovery code that somebody wrote."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": _CODE}]})

    code: Annotated[str, Field(min_length=1, max_length=100, description="As it was shown; case does not matter.")]


class RecoveryCodesLeft(Answer):
    """How many recovery codes somebody has left."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"left": 9}]})

    left: Annotated[int, Field(ge=0)]


class RecoveryCodes(Answer):
    """New recovery codes. They are shown this once, and only their hashes are kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"codes": [_CODE]}]})

    codes: list[str]


class StaffSessionsEndedAnswer(Answer):
    """All sessions of somebody have ended."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"said": "All sessions of anna end.", "position": 4712, "position_before": 4711}]
        }
    )

    said: Annotated[str, Field(description="In words, for people.")]
    position: Annotated[int, Field(description="Of the event: sessions that began before have ended.")]
    position_before: Annotated[
        int,
        Field(
            description="Of the event that had locked them, or ended all their sessions, before; 0 for never. A "
            "session that began before that one was over already."
        ),
    ]


class StaffLockView(Answer):
    """Whether somebody is locked who was locked, or had all their sessions ended, at some time."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LOCK]})

    name: Annotated[str, Field(description="In lower case: at a log-in, case does not matter.")]
    is_locked: bool
    actor: Annotated[
        str, Field(description="Who locked them, or unlocked them since; who ended their sessions, if nobody did.")
    ]
    reason: str
    changed_at: Timestamp
    lock_position: Annotated[
        int, Field(description="Of the event that locked them, or ended all their sessions, last: older ones are over.")
    ]


class StaffLockList(Answer):
    """Everybody who was locked, or had all their sessions ended, at some time, by name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_LOCK]}]})

    data: list[StaffLockView]
