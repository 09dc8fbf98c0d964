"""Settings of single sign-on."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from infra.settings.staff import StaffAccount, StaffSettings

_OF_THE_PROVIDER = ("back_office_oidc_issuer", "back_office_oidc_client_id", "back_office_oidc_client_secret")
_TOGETHER = (*_OF_THE_PROVIDER, "back_office_public_url")
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_SPACES = (" ", "\t", "\r", "\n")


def is_safe_address(url: str, *, allows_http: bool) -> bool:
    """Whether a provider may be asked there: over TLS, or in development on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment or any(space in url for space in _SPACES):
        return False
    return parts.scheme == "https" or (allows_http and parts.scheme == "http" and host in _LOCAL)


class SignOnSettings(StaffSettings):
    """How staff log in: by a password, by single sign-on, or by either."""

    back_office_password_login: bool = True
    """false: nobody logs in by a password, and the form is not shown. It needs single sign-on."""
    back_office_oidc_issuer: str | None = None
    """The provider of single sign-on, as its discovery document names itself. None: there is none."""
    back_office_oidc_client_id: str | None = None
    """What the provider knows the back office by."""
    back_office_oidc_client_secret: SecretStr | None = None
    """And the secret that it has given for it."""
    back_office_public_url: str | None = None
    """Where browsers find the back office: the provider leads back to /login/oidc/callback there."""
    back_office_oidc_claim: Literal["email", "sub"] = "email"
    """Which claim of the ID token is an account's `oidc_identity`. email counts only with email_verified."""
    back_office_oidc_timeout_ms: Annotated[int, Field(ge=100)] = 5000
    """How long the provider may take for each answer."""

    @field_validator("back_office_oidc_issuer", "back_office_public_url")
    @classmethod
    def _is_safe(cls, value: str | None, info: ValidationInfo) -> str | None:
        allows_http = info.data.get("app_env") == "development"
        if value is not None and ("?" in value or not is_safe_address(value, allows_http=allows_http)):
            raise ValueError("must begin with https://, or in development with http://localhost, and have no query")
        return value

    @field_validator("back_office_oidc_client_id", "back_office_oidc_client_secret")
    @classmethod
    def _is_ascii(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text is not None and not (text.strip() and text.isascii() and text.isprintable()):
            raise ValueError("is empty, or has signs beyond ASCII")
        return value

    @model_validator(mode="after")
    def _sign_on_is_whole(self) -> Self:
        missing = [name.upper() for name in _TOGETHER if getattr(self, name) is None]
        if self.has_sign_on and missing:
            raise ValueError(f"single sign-on needs {' and '.join(missing)} too")
        return self

    @model_validator(mode="after")
    def _somebody_can_log_in(self) -> Self:
        if not self.back_office_password_login and not self.has_sign_on:
            needed = " and ".join(name.upper() for name in _TOGETHER)
            raise ValueError(f"without passwords (BACK_OFFICE_PASSWORD_LOGIN=false) it needs {needed}")
        shut_out = self.accounts_without_log_in
        if shut_out and len(shut_out) == len(self.back_office_staff):
            raise ValueError(
                "nobody of BACK_OFFICE_STAFF could log in: an account needs oidc_identity for single sign-on, "
                "or a password_hash and BACK_OFFICE_PASSWORD_LOGIN=true"
            )
        return self

    @model_validator(mode="after")
    def _identities_are_of_the_claim(self) -> Self:
        if self.has_sign_on and self.back_office_oidc_claim == "email":
            for account in self.back_office_staff:
                if account.oidc_identity is not None and "@" not in account.oidc_identity:
                    raise ValueError(
                        f"the oidc_identity of {account.name} in BACK_OFFICE_STAFF is no e-mail address, "
                        "as BACK_OFFICE_OIDC_CLAIM=email has it"
                    )
        return self

    @property
    def has_sign_on(self) -> bool:
        """Whether there is any setting of single sign-on: then there are all."""
        return any(getattr(self, name) is not None for name in _OF_THE_PROVIDER)

    @property
    def allows_http(self) -> bool:
        """Whether a provider on this machine may be asked without TLS."""
        return self.app_env == "development"

    @property
    def accounts_without_log_in(self) -> list[StaffAccount]:
        """The accounts that nothing opens, as the settings are."""
        return [each for each in self.back_office_staff if not self._opens(each)]

    def _opens(self, account: StaffAccount) -> bool:
        by_password = self.back_office_password_login and account.password_hash is not None
        return by_password or (self.has_sign_on and account.oidc_identity is not None)
