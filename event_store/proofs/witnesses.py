"""Who else signs the checkpoints of a log, and how much of it enough of them have signed."""

from collections.abc import Mapping
from dataclasses import dataclass

from event_store.proofs.errors import MalformedProof
from event_store.proofs.note import COSIGNATURE_V1, PublicKey
from infra.errors import WrongSetting
from infra.settings.proofs import WitnessesSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """One that is asked, at `url`, the prefix of its submissions."""

    url: str
    key: PublicKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Quorum:
    """Whose signatures are wanted, and how many of them are enough; of nobody, 0 are."""

    keys: tuple[PublicKey, ...] = ()
    needed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Witnesses:
    """All that are asked, and how many of them are enough."""

    all: tuple[Witness, ...] = ()
    needed: int = 0

    @property
    def quorum(self) -> Quorum:
        """Return whose signatures are wanted."""
        return Quorum(keys=tuple(each.key for each in self.all), needed=self.needed)


def configured_witnesses(settings: WitnessesSettings) -> Witnesses:
    """Return those of the settings. Raises WrongSetting."""
    try:
        found = tuple(_witness(each) for each in settings.proofs_witnesses)
    except MalformedProof as error:
        raise WrongSetting(f"PROOFS_WITNESSES cannot be used: {error}") from None
    return Witnesses(all=found, needed=settings.proofs_witness_quorum or len(found))


def signed_by_quorum(sizes: Mapping[PublicKey, int], needed: int) -> int:
    """Return the size of the largest tree that so many witnesses stand for; 0: none.

    Of each, the largest tree that it has signed: it stands for every beginning of that, too.
    """
    largest = sorted(sizes.values(), reverse=True)
    return largest[needed - 1] if 0 < needed <= len(largest) else 0


def witness_key(text: str) -> PublicKey:
    """Read the public key of a witness. Raises MalformedProof."""
    key = PublicKey.parse(text)
    if key.algorithm != COSIGNATURE_V1:
        raise MalformedProof(f"the key of {key.name} is not one of a witness")
    return key


def _witness(text: str) -> Witness:
    url, _, key = text.partition(" ")
    return Witness(url=url.rstrip("/"), key=witness_key(key))
