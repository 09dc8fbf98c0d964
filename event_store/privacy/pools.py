"""Pools of connections that encrypt what they append, for the processes that have the keys of personal data."""

from event_store.privacy.vault import AnyVault
from infra.postgres.pool import Plans, Pool, create_pool
from infra.settings.privacy import VaultSettings


def encrypting_pool(
    settings: VaultSettings, vault: AnyVault, *, name: str, size: int | None = None, plans: Plans = Plans.ONCE
) -> Pool:
    """Return a pool by the process's own login, as `create_pool` says; DATABASE_POOL_SIZE unless `size` is given."""
    return create_pool(
        settings.database_url.get_secret_value(),
        size=settings.database_pool_size if size is None else size,
        name=name,
        plans=plans,
        configure=vault.attach,
        pooling=settings.pooling,
    )
