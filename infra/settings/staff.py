"""Who works in the back office: accounts out of a setting."""

import base64
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from infra.settings.json_value import parsed_json
from infra.settings.process import ProcessSettings

Role = Literal["support", "finance", "operator", "auditor"]

DEVELOPMENT_STAFF, DEVELOPMENT_PASSWORD = "dev", "paystream"
DEVELOPMENT_OPERATOR = "ops"
"""The account of an operator beside that of finance, with the same password."""
DEVELOPMENT_PASSWORD_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$RlUF6aoeT+tfRVN0Y7C+ww$54OtTPgn39cC/yG2R6ff8qCHlcqI1dCUw2l9h5g3wgI"  # noqa: S105
)
"""Of the account that `make run` prints, so it must never open a production deployment."""


_MIN_SECRET_BYTES = 16
"""https://www.rfc-editor.org/rfc/rfc4226#section-4"""


def _base32(secret: SecretStr | None) -> SecretStr | None:
    if secret is None:
        return None
    try:
        is_long_enough = len(base64.b32decode(secret.get_secret_value())) >= _MIN_SECRET_BYTES
    except ValueError:
        is_long_enough = False
    if not is_long_enough:
        raise ValueError("is no secret that paystream staff totp has made")
    return secret


class StaffAccount(BaseModel):
    """Somebody who may log in, by a password, by single sign-on, or by either."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._@+-]{0,63}$")]
    """It becomes the actor of events: `api:<key id>/<name>`."""
    role: Role
    password_hash: Annotated[str | None, Field(pattern=r"^\$argon2id\$")] = None
    """What `paystream staff hash` makes of a password. None: no password opens the account."""
    totp_secret: Annotated[SecretStr | None, AfterValidator(_base32)] = None
    """What `paystream staff totp` prints: a log-in by password then needs a code of an authenticator app too."""
    oidc_identity: Annotated[str | None, Field(pattern=r"^[\x21-\x7e]{1,255}$")] = None
    """Whom the provider of single sign-on has to name for the account to open: the value of BACK_OFFICE_OIDC_CLAIM."""

    @model_validator(mode="after")
    def _can_be_opened(self) -> Self:
        if self.password_hash is None and self.oidc_identity is None:
            raise ValueError("has neither a password_hash nor an oidc_identity")
        return self


class StaffSettings(ProcessSettings):
    """Who may log in: BACK_OFFICE_STAFF is a JSON list of `StaffAccount`."""

    back_office_staff: Annotated[tuple[StaffAccount, ...], NoDecode]

    @field_validator("back_office_staff", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return parsed_json(value)

    @field_validator("back_office_staff")
    @classmethod
    def _check(cls, accounts: tuple[StaffAccount, ...], info: ValidationInfo) -> tuple[StaffAccount, ...]:
        names = [account.name.casefold() for account in accounts]
        if len(set(names)) != len(names):
            raise ValueError("has the same name twice")
        identities = [account.oidc_identity.lower() for account in accounts if account.oidc_identity is not None]
        if len(set(identities)) != len(identities):
            raise ValueError("has the same oidc_identity twice")
        known = any(account.password_hash == DEVELOPMENT_PASSWORD_HASH for account in accounts)
        if info.data.get("app_env") == "production" and known:
            raise ValueError("holds the development password, which APP_ENV=production refuses")
        return accounts
