"""Where the proofs of the log are, and what they are signed with."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from infra.settings.process import ProcessSettings


class ProofsSettings(ProcessSettings):
    """Where tiles, bundles and the newest checkpoint are: in a folder, or in a bucket of an S3 server."""

    proofs_folder: Path | None = None
    proofs_bucket: Annotated[str | None, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?$")] = None
    """s3://bucket/prefix."""
    proofs_s3_endpoint: Annotated[str | None, Field(pattern=r"^https?://[^/\s@]+")] = None
    """None: Amazon's, of the region."""
    proofs_s3_region: str | None = None
    proofs_s3_access_key_id: str | None = None
    """None: as for Amazon's own programs, also the role of the machine or the pod."""
    proofs_s3_secret_access_key: SecretStr | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.proofs_folder is not None and self.proofs_bucket is not None:
            raise ValueError("PROOFS_FOLDER and PROOFS_BUCKET are both set: the log is sealed into one place")
        if (self.proofs_s3_access_key_id is None) != (self.proofs_s3_secret_access_key is None):
            raise ValueError("PROOFS_S3_ACCESS_KEY_ID and PROOFS_S3_SECRET_ACCESS_KEY go together")
        return self

    @property
    def proofs_place(self) -> str | None:
        """Where they are, as a person reads it."""
        return self.proofs_bucket if self.proofs_folder is None else str(self.proofs_folder)


class SealerKeySettings(ProofsSettings):
    """What signs checkpoints. With neither, nothing is sealed."""

    sealer_key: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """PRIVATE+KEY+...; while it is changed, the new one and the old one, comma-separated: both sign."""
    sealer_key_file: Path | None = None
    """The same in a file, a key on each line. In development it is made when it is not there."""

    @field_validator("sealer_key", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @property
    def has_sealer_key(self) -> bool:
        """Whether something is to be sealed."""
        return bool(self.sealer_key) or self.sealer_key_file is not None


class PublicKeysSettings(ProofsSettings):
    """Whose signatures an auditor believes, unless the command is given other keys."""

    proofs_public_keys_file: Path | None = None
    """A key on each line, as NAME+ID+BASE64: of those that sign now, and of those before."""
