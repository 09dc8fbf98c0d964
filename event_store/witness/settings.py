"""Settings of a witness."""

from pathlib import Path
from typing import Annotated

from pydantic import SecretStr, field_validator
from pydantic_settings import NoDecode

from infra.settings.process import Port, ProcessSettings


class WitnessSettings(ProcessSettings):
    """What a witness needs: a key, the logs that it looks at, and a file that it remembers them by."""

    witness_host: str = "127.0.0.1"
    witness_port: Port = 8004
    witness_key: SecretStr | None = None
    """PRIVATE+KEY+..., of `paystream witness new-key`."""
    witness_key_file: Path | None = None
    """The same in a file."""
    witness_state_file: Path | None = None
    """None: WITNESS_KEY_FILE with .state behind it."""
    witness_logs: Annotated[tuple[str, ...], NoDecode] = ()
    """Public keys of the logs, name+id+base64, with commas between; a log may have several."""
    witness_logs_file: Path | None = None
    """The same in a file, a key on each line."""

    @field_validator("witness_logs", mode="before")
    @classmethod
    def _split_logs(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def state_file(self) -> Path | None:
        """Where it remembers what it has signed."""
        if self.witness_state_file is not None or self.witness_key_file is None:
            return self.witness_state_file
        return state_file_beside(self.witness_key_file)


def state_file_beside(key_file: Path) -> Path:
    """Return the state file of a witness with this key file, unless the settings name another."""
    return key_file.with_name(f"{key_file.name}.state")
