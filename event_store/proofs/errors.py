"""What can be wrong with a proof, or with what it is made of."""

from infra.errors import InfraError


class ProofError(InfraError):
    """Root of the errors of proofs."""


class MalformedProof(ProofError):
    """A note, a checkpoint, a key, a tile or a proof is not written as its specification has it."""


class ProofRefused(ProofError):
    """It is well formed, and proves nothing: a signature or a hash is another."""


class TileMissing(ProofError):
    """The folder or bucket lacks a tile or a bundle that its tree needs."""


class TileDiffers(ProofError):
    """A tile or a bundle is there, with another content than it must have: tiles are written once."""


class TileStoreFailed(ProofError):
    """The bucket of the tiles did not do what it was asked for."""
