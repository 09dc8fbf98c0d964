"""Runs `paystream witness new-key`."""

from pathlib import Path

from event_store.command_line import run
from event_store.proofs.errors import MalformedProof, ProofError
from event_store.proofs.key_files import write_new_key
from event_store.proofs.note import COSIGNATURE_V1
from event_store.witness.settings import state_file_beside
from event_store.witness.state import WitnessState
from infra.errors import WrongOption


def run_new_key(name: str, file: Path) -> int:
    """Make a key; return the exit code."""

    async def work() -> int:
        try:
            key = write_new_key(name, file, COSIGNATURE_V1)
        except MalformedProof as error:
            raise WrongOption(str(error)) from error
        except OSError as error:
            raise ProofError(f"{file} cannot be written: {error.strerror}") from None
        WitnessState(state_file_beside(file)).make()
        print(
            f"The private key is in {file}: WITNESS_KEY_FILE. What it has signed is remembered in {file}.state:\n"
            "never let that go back, nor use the key without it.\n"
            f"The public key ({file}.pub) is for logs and auditors:\n{key.public}"
        )
        return 0

    return run(work())
