"""Encrypts the secrets of endpoints: they have to sign, so that a hash is not enough.

AES-256-GCM with a random nonce and the endpoint's id as associated data: a row that is copied to another endpoint, or
altered, is not decrypted.
"""

import os
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.errors import ProcessFailed

_NONCE_BYTES = 12  # NIST SP 800-38D


class WrongSecretsKey(ProcessFailed):
    """None of the keys decrypts a secret: WEBHOOK_SECRETS_KEY is another one than it was encrypted with."""

    def __init__(self, endpoint_id: UUID) -> None:
        super().__init__(f"WEBHOOK_SECRETS_KEY does not decrypt the secret of the webhook endpoint {endpoint_id}")
        self.endpoint_id = endpoint_id


class SecretBox:
    """`keys` have 32 bytes each. The first encrypts; all of them decrypt, while one is replaced by another."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    def encrypt(self, secret: str, *, endpoint_id: UUID) -> bytes:
        """Return what is stored of an endpoint's secret."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, secret.encode(), endpoint_id.bytes)

    def decrypt(self, stored: bytes, *, endpoint_id: UUID) -> str:
        """Return the secret. Raises WrongSecretsKey."""
        nonce, encrypted = stored[:_NONCE_BYTES], stored[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, encrypted, endpoint_id.bytes).decode()
            except InvalidTag:
                continue
        raise WrongSecretsKey(endpoint_id)
