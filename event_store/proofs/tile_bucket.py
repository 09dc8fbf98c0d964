"""The files of a log in a bucket of an S3 server: Amazon's, or any that keeps `If-None-Match: *`.

A file is put on the condition that there is none of its name, so not even sealers of different logs overwrite each
other's tiles: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from event_store.proofs.errors import TileStoreFailed
from event_store.proofs.tile_store import TileStore

log = structlog.get_logger(__name__)

_TIMEOUT = timedelta(seconds=10)
_RETRIES = 3
_PAGE = 1000
_MOST_CHARS = 300
_NEVER_CHANGES = {"Content-Type": "application/octet-stream", "Cache-Control": "public, max-age=31536000, immutable"}
_CHANGES = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache"}


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketAccess:
    """How a bucket is reached. What is None is as the environment has it that Amazon's own programs read."""

    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None


class TileBucket(TileStore):
    """Keeps the files of one log in `s3://bucket/prefix`."""

    def __init__(self, url: str, access: BucketAccess) -> None:
        self.where = url
        given = {
            "endpoint": access.endpoint,
            "region": access.region,
            "access_key_id": access.access_key_id,
            "secret_access_key": access.secret_access_key,
        }
        with self._failing():
            self._store = S3Store.from_url(
                url,
                config={name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
                client_options={
                    "timeout": _TIMEOUT,
                    "connect_timeout": _TIMEOUT,
                    "allow_http": access.endpoint is not None and access.endpoint.startswith("http://"),
                },
                retry_config={"max_retries": _RETRIES, "retry_timeout": 3 * _TIMEOUT},
            )

    def _read(self, path: str) -> bytes | None:
        with self._failing():
            try:
                return bytes(obstore.get(self._store, path).bytes())
            except FileNotFoundError:
                return None

    def _create(self, path: str, content: bytes) -> bool:
        with self._failing():
            try:
                obstore.put(
                    self._store, path, content, mode="create", use_multipart=False, attributes={**_NEVER_CHANGES}
                )
            except AlreadyExistsError:
                return False
            return True

    def _replace(self, path: str, content: bytes) -> None:
        with self._failing():
            obstore.put(self._store, path, content, use_multipart=False, attributes={**_CHANGES})

    def _names(self, folder: str) -> Iterable[str]:
        with self._failing():
            return [each.rpartition("/")[2] for each in self._listed(folder)]

    def _remove_folder(self, folder: str) -> None:
        try:
            found = list(self._listed(folder))
            if found:
                obstore.delete(self._store, found)
        except (BaseError, OSError) as error:  # a bucket may forbid it: they only take room
            log.info("partial_tiles_kept", folder=folder, error=type(error).__name__)

    def _prepare(self, folders: Collection[str]) -> None:
        """Do nothing: a bucket has no folders."""

    def _make_durable(self, folder: str) -> None:
        """Do nothing: what a bucket has said to be there lasts."""

    def _listed(self, folder: str) -> Iterator[str]:
        for page in obstore.list(self._store, f"{folder}/", chunk_size=_PAGE):
            yield from (each["path"] for each in page)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Say which bucket failed, and how; what its server said is in the log alone."""
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            log.warning("tile_bucket_failed", bucket=self.where, error=_first_line(error))
            raise TileStoreFailed(f"{self.where} cannot be used: {type(error).__name__}") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:_MOST_CHARS]
