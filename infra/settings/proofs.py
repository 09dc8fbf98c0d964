"""Where the proofs of the log are, what they are signed with, and who else signs."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from infra.settings.cell import CellSettings
from infra.settings.process import ProcessSettings


class ProofsSettings(ProcessSettings):
    """Where tiles, bundles and the newest checkpoint are: in a folder, or in a bucket of an S3 server."""

    proofs_folder: Path | None = None
    proofs_bucket: Annotated[str | None, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?$")] = None
    """s3://bucket/prefix."""
    proofs_bucket_endpoint: Annotated[str | None, Field(pattern=r"^https?://[^/\s@]+")] = None
    """None: Amazon's, of the region."""
    proofs_bucket_region: str | None = None
    proofs_bucket_access_key_id: str | None = None
    """None: as for Amazon's own programs, also the role of the machine or the pod."""
    proofs_bucket_secret_access_key: SecretStr | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.proofs_folder is not None and self.proofs_bucket is not None:
            raise ValueError("PROOFS_FOLDER and PROOFS_BUCKET are both set: the log is sealed into one place")
        if (self.proofs_bucket_access_key_id is None) != (self.proofs_bucket_secret_access_key is None):
            raise ValueError("PROOFS_BUCKET_ACCESS_KEY_ID and PROOFS_BUCKET_SECRET_ACCESS_KEY go together")
        return self

    @property
    def proofs_place(self) -> str | None:
        """Where they are, as a person reads it."""
        return self.proofs_bucket if self.proofs_folder is None else str(self.proofs_folder)


_WITNESS = re.compile(r"https?://[^\s,@]+ [^\s,+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+")


class WitnessesSettings(ProcessSettings):
    """Who else signs the checkpoints of the log. Without, nobody is asked."""

    proofs_witnesses: Annotated[tuple[str, ...], NoDecode] = ()
    """Of each the URL and the public key, `https://witness.example name+id+base64`, with commas between."""
    proofs_witness_quorum: Annotated[int | None, Field(ge=1)] = None
    """How many of them have to sign a checkpoint; None: all."""

    @field_validator("proofs_witnesses", mode="before")
    @classmethod
    def _split_witnesses(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(" ".join(part.split()) for part in value.split(",") if part.strip())

    @field_validator("proofs_witnesses")
    @classmethod
    def _are_witnesses(cls, witnesses: tuple[str, ...]) -> tuple[str, ...]:
        for each in witnesses:
            if _WITNESS.fullmatch(each) is None:
                raise ValueError(
                    f"holds {each!r}, which is no URL and public key like https://w.example name+id+base64"
                )
        keys = [each.partition(" ")[2] for each in witnesses]
        if len(set(keys)) < len(keys):
            raise ValueError("has the same public key twice: that is one witness")
        return witnesses

    @model_validator(mode="after")
    def _quorum_can_be_reached(self) -> Self:
        if (self.proofs_witness_quorum or 0) > len(self.proofs_witnesses):
            raise ValueError("PROOFS_WITNESS_QUORUM is more than PROOFS_WITNESSES has")
        return self


class SealerKeySettings(ProofsSettings, CellSettings):
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
