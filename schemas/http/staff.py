"""Bodies about the staff of the back office: their log-ins and recovery codes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.access.events import SecondFactor
from schemas.http.answers import Answer

_CODE = "3-MFRG-GZDF-MZTW-Q2LK"
Role = Annotated[Literal["support", "finance", "operator", "auditor"], Field(description="Their role.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SignInBody(_Body):
    """How somebody signed in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "operator", "second_factor": "totp"}]})

    role: Role
    second_factor: Annotated[SecondFactor, Field(description="What they had beside the password.")]


class RecoveryCodeBody(_Body):
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
