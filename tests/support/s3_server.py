"""An S3 server for the tests of a worker, of a PyPI wheel: it keeps `If-None-Match: *` as Amazon's does."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import obstore
from obstore.store import S3Store

from event_store.proofs.tile_bucket import BucketAccess, TileBucket
from infra.embedded.ports import free_port
from tests.support.waiting import eventually

_ACCESS = {"region": "eu-central-1", "access_key_id": "test", "secret_access_key": "test"}


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A running server, at `endpoint`."""

    endpoint: str

    @property
    def access(self) -> BucketAccess:
        return BucketAccess(endpoint=self.endpoint, **_ACCESS)

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of a process that uses it."""
        return {"proofs_bucket_endpoint": self.endpoint} | {
            f"proofs_bucket_{name}": each for name, each in _ACCESS.items()
        }

    def new_bucket(self) -> str:
        """Make a bucket; return the URL of a log in it."""
        name = f"b{uuid.uuid4().hex}"
        made = httpx.put(f"{self.endpoint}/{name}", headers={"Content-Length": "0"})
        made.raise_for_status()
        return f"s3://{name}/logs/one"

    def new_store(self) -> TileBucket:
        return TileBucket(self.new_bucket(), self.access)

    def raw(self, store: TileBucket) -> S3Store:
        """Return the bucket as one who may do anything with it has it."""
        return S3Store.from_url(
            store.where,
            endpoint=self.endpoint,
            client_options={"allow_http": True},
            **_ACCESS,  # type: ignore[arg-type]
        )

    def names(self, store: TileBucket) -> set[str]:
        return {each["path"] for page in obstore.list(self.raw(store)) for each in page}


@asynccontextmanager
async def s3_server(folder: Path) -> AsyncIterator[S3Server]:
    """Run a server that keeps everything in memory."""
    port = free_port()
    server = S3Server(endpoint=f"http://127.0.0.1:{port}")
    argv = ["-W", "ignore", "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "s3.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(sys.executable, *argv, stdout=log, stderr=log)
    try:
        async with httpx.AsyncClient() as client:
            await eventually(lambda: client.get(server.endpoint))
        yield server
    finally:
        process.terminate()
        await process.wait()
