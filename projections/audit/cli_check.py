"""Runs `paystream audit check` and `new-key`: files alone, no settings and no server."""

from collections.abc import Sequence
from pathlib import Path

from event_store.command_line import run
from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.errors import MalformedProof, ProofError
from event_store.proofs.key_files import write_new_key
from event_store.proofs.note import PublicKey
from event_store.proofs.statement import Statement, entry_of_document
from event_store.proofs.tlog_proof import TlogProof
from event_store.proofs.witnesses import Quorum, witness_key
from infra.cli.output import printable
from infra.errors import WrongOption
from projections.audit.suffixes import EVENT_SUFFIX


class CheckRefused(ProofError):
    """What was asked for cannot be checked."""


class WrongCheckOption(CheckRefused, WrongOption):
    """What was asked for makes no sense, whatever was sealed; or a file that was named cannot be read."""


def run_check(
    file: Path, *, keys: Sequence[str], event: Path | None, witnesses: Sequence[str], quorum: int | None
) -> int:
    """Check a proof; return the exit code."""

    async def work() -> int:
        beside = file.with_suffix(EVENT_SUFFIX) if event is None else event
        entry = entry_of_document(read_text(beside))
        proof = TlogProof.parse(read_text(file))
        required = given_quorum(witnesses, quorum)
        checkpoint = proof.verify(entry, public_keys(keys), required.keys, needed=required.needed)
        print(printable(_proved(Statement.parse(entry), proof, checkpoint)))
        if required.keys:
            names = ", ".join(each.name for each in proof.signers(required.keys)) or "none"
            print(printable(f"{required.needed} of {len(required.keys)} witnesses are required; signed by: {names}."))
        return 0

    return run(work())


def run_new_key(name: str, file: Path) -> int:
    """Make a key; return the exit code."""

    async def work() -> int:
        try:
            key = write_new_key(name, file)
        except MalformedProof as error:
            raise WrongCheckOption(str(error)) from error
        except OSError as error:
            raise CheckRefused(f"{file} cannot be written: {error.strerror}") from None
        print(
            f"The private key is in {file}: SEALER_KEY_FILE. The public one ({file}.pub) is for auditors:\n{key.public}"
        )
        return 0

    return run(work())


def public_keys(given: Sequence[str]) -> list[PublicKey]:
    """Read public keys as a person gives them: written out, or in a file. Raises ProofError."""
    texts = list[str]()
    for each in given:
        lines = [each] if "+" in each and not Path(each).exists() else read_text(Path(each)).splitlines()
        texts += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        return [PublicKey.parse(text) for text in texts]
    except MalformedProof as error:
        raise WrongCheckOption(str(error)) from error


def given_quorum(witnesses: Sequence[str], needed: int | None) -> Quorum:
    """Return whose signatures a person wants: of so many, by default of all. Raises ProofError."""
    keys = tuple(dict.fromkeys(witness_key(str(each)) for each in public_keys(witnesses)))
    if needed is not None and needed > len(keys):
        raise WrongCheckOption(f"--quorum {needed} is more than there are witnesses: {len(keys)}")
    return Quorum(keys=keys, needed=len(keys) if needed is None else needed)


def read_text(path: Path) -> str:
    """Return a file's text. Raises ProofError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise WrongCheckOption(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MalformedProof(f"{path} is no text") from None


def _proved(statement: Statement, proof: TlogProof, checkpoint: Checkpoint) -> str:
    return (
        f"Proved: {statement.type}, event {statement.event_id} at position {statement.position}, version "
        f"{statement.version} of {statement.category} {statement.stream_id}, recorded at {statement.recorded_at}, "
        f"with these data and metadata, is entry {proof.index} of the {checkpoint.size} in {checkpoint.origin}."
    )
