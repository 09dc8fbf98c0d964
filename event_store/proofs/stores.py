"""Where the files of the log are, by the settings."""

from event_store.proofs.tile_folder import TileFolder
from event_store.proofs.tile_store import TileStore
from infra.settings.proofs import ProofsSettings


def tile_store(settings: ProofsSettings) -> TileStore | None:
    """Return it; None when the settings name none. Raises TileStoreFailed for a bucket that cannot be one."""
    if settings.proofs_folder is not None:
        return TileFolder(settings.proofs_folder)
    if settings.proofs_bucket is None:
        return None
    from event_store.proofs.tile_bucket import BucketAccess, TileBucket  # noqa: PLC0415 - takes a client of S3 with it

    secret = settings.proofs_bucket_secret_access_key
    access = BucketAccess(
        endpoint=settings.proofs_bucket_endpoint,
        region=settings.proofs_bucket_region,
        access_key_id=settings.proofs_bucket_access_key_id,
        secret_access_key=None if secret is None else secret.get_secret_value(),
    )
    return TileBucket(settings.proofs_bucket, access)
