"""Where the proofs of the log are, and what they are signed with."""

from pathlib import Path
from typing import Annotated

from pydantic import SecretStr, field_validator
from pydantic_settings import NoDecode

from infra.settings.process import ProcessSettings


class ProofsFolderSettings(ProcessSettings):
    """The folder of tiles, bundles and the newest checkpoint."""

    proofs_folder: Path | None = None


class SealerKeySettings(ProofsFolderSettings):
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


class PublicKeysSettings(ProofsFolderSettings):
    """Whose signatures an auditor believes, unless the command is given other keys."""

    proofs_public_keys_file: Path | None = None
    """A key on each line, as NAME+ID+BASE64: of those that sign now, and of those before."""
