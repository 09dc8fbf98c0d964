"""A bucket of an S3 server keeps tiles as a folder does, and a log that is sealed into one is verified from there."""

import dataclasses

import obstore
import pytest

from event_store.proofs.errors import TileDiffers, TileStoreFailed
from event_store.proofs.tile_bucket import TileBucket
from event_store.proofs.tile_store import TileStore
from event_store.proofs.verify import Verification
from event_store.sealer.sealing import Sealing
from infra.embedded.ports import free_port
from tests.support.paystream_command import paystream
from tests.support.s3_server import S3Server
from tests.support.sealed_logs import KEY, SealedLog
from tests.unit.event_store.proofs.tile_store_contract import FULL, TileStoreContract, partial

pytestmark = pytest.mark.integration


class TestTileBucket(TileStoreContract):
    @pytest.fixture(autouse=True)
    def _on(self, s3: S3Server) -> None:
        self._s3 = s3

    def store(self) -> TileStore:
        return self._s3.new_store()

    def names(self, store: TileStore) -> set[str]:
        assert isinstance(store, TileBucket)
        return self._s3.names(store)


async def test_a_log_is_sealed_into_a_bucket_and_verified(sealed: SealedLog, s3: S3Server) -> None:
    bucket = s3.new_store()
    await sealed.append(payments=60)
    async with sealed.connection("sealer") as sealer:
        while await Sealing(bucket, [KEY], batch=100).seal(sealer):
            pass
    async with sealed.connection("audit") as auditor:
        found = await Verification(auditor, bucket, [KEY.public], full=True).run()
    assert (found.findings, found.compared) == ([], len(await sealed.positions()))
    assert found.size > 256


async def test_a_tile_in_the_bucket_is_put_only_if_there_is_none(s3: S3Server) -> None:
    """Also when it comes between the look and the write."""
    bucket = s3.new_store()
    obstore.put(s3.raw(bucket), FULL.place.path, bytes(8192))
    with pytest.raises(TileDiffers):
        bucket.write([FULL])
    assert bucket.content(FULL.place) == bytes(8192)


async def test_what_the_server_says_is_not_in_the_error(s3: S3Server) -> None:
    no_bucket = TileBucket(f"s3://{'n' * 20}/log", s3.access)
    with pytest.raises(TileStoreFailed) as refused:
        no_bucket.write([partial(1)])
    assert str(refused.value) == f"s3://{'n' * 20}/log cannot be used: FileNotFoundError"
    away = TileBucket("s3://bucket/log", dataclasses.replace(s3.access, endpoint=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(TileStoreFailed, match="GenericError"):
        away.checkpoint()


async def test_the_command_verifies_from_a_bucket(sealed: SealedLog, s3: S3Server) -> None:
    url = s3.new_bucket()
    await sealed.append(payments=3)
    async with sealed.connection("sealer") as sealer:
        assert await Sealing(TileBucket(url, s3.access), [KEY], batch=1000).seal(sealer)
    settings = {"audit_database_url": sealed.database.url("audit"), "proofs_bucket": url, **s3.settings}
    ended = await paystream(
        "audit", "verify", "--full", "--key", str(KEY.public), cwd=sealed.folder.path.parent, settings=settings
    )
    assert (ended.code, ended.errors) == (0, ""), ended
    assert ended.output.startswith("Nothing differs")
