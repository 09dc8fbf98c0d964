"""A fixture: what one release left behind. A folder of files that no later release may change.

manifest.json      the version, the schema's revision, and which payment of the story is which
answers.jsonl.gz   what its query API answered to each read, a line each
database.sql.gz    its whole database, as pg_dump writes it
topics.jsonl.gz    the records of its topics, a line each, in order of topic, partition and offset
sandbox.sql.gz     the file of its Stripe sandbox, as SQLite dumps it
"""

import gzip
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from aiokafka import ConsumerRecord, TopicPartition

from infra.kafka.consumer.subscription import Record

FIXTURES = Path(__file__).with_name("fixtures")

Json = dict[str, Any]
Topics = Mapping[TopicPartition, list[Record]]


@dataclass(frozen=True, kw_only=True)
class SentCommand:
    """A command with an idempotency key, and the answer that was stored for it."""

    path: str
    key: str
    body: Json
    status: int
    response: str


@dataclass(frozen=True, kw_only=True)
class KeptLetter:
    """A record that a consumer could not apply."""

    consumer: str
    topic: str
    partition: int
    offset: int
    reason: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the tests know of a fixture. A later release may add members, each with a default."""

    version: str
    revision: str
    """Of the migrations."""
    written_at: datetime
    """When everything stood still."""
    partitions: int
    """Of each topic of events."""
    events: dict[str, int]
    """How many, by category."""
    payments: dict[str, str]
    """Their ids, by the names that the story gives them."""
    reconciled: Json
    """The last run of the day, as the query API shows it."""
    commands: list[SentCommand]
    dead_letters: list[KeptLetter]
    open_tasks: dict[str, str]
    """The status of each Stripe call that was not done, by the name of its payment."""
    set_task_age: str
    """The statement that makes these calls so many seconds (`%s`) old, for the schema of that revision."""


@dataclass(frozen=True)
class Fixture:
    """The files of one version."""

    folder: Path

    @property
    def version(self) -> str:
        """The release that wrote it."""
        return self.folder.name

    @cached_property
    def manifest(self) -> Manifest:
        """Read the manifest."""
        found = orjson.loads((self.folder / "manifest.json").read_bytes())
        read = {
            "written_at": datetime.fromisoformat(found["written_at"]),
            "commands": [SentCommand(**each) for each in found["commands"]],
            "dead_letters": [KeptLetter(**each) for each in found["dead_letters"]],
        }
        return Manifest(**found | read)

    @cached_property
    def answers(self) -> dict[str, Any]:
        """Return what the query API answered, by path; of a list, all of its pages."""
        lines = self._unzipped("answers.jsonl").splitlines()
        return {each["path"]: each["answer"] for each in map(orjson.loads, lines)}

    @property
    def database_sql(self) -> bytes:
        """The dump of the database."""
        return self._unzipped("database.sql")

    @property
    def sandbox_sql(self) -> str:
        """The dump of the sandbox's file."""
        return self._unzipped("sandbox.sql").decode()

    @cached_property
    def topics(self) -> Topics:
        """Return the records of every partition that has any, in order."""
        found: dict[TopicPartition, list[Record]] = {}
        for line in self._unzipped("topics.jsonl").splitlines():
            record = _read_record(orjson.loads(line))
            found.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        return found

    def records(self, topic: str) -> Iterator[tuple[TopicPartition, list[Record]]]:
        """Yield the partitions of one topic."""
        return ((place, records) for place, records in self.topics.items() if place.topic == topic)

    def write(
        self, *, manifest: Manifest, answers: Mapping[str, Any], database: bytes, sandbox: bytes, topics: bytes
    ) -> None:
        """Write all files. Raises FileExistsError: what a release left behind is not to be written again."""
        self.folder.mkdir(parents=True)
        pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        (self.folder / "manifest.json").write_bytes(orjson.dumps(asdict(manifest), option=pretty))
        lines = [orjson.dumps({"path": path, "answer": answer}) + b"\n" for path, answer in answers.items()]
        zipped = {
            "answers.jsonl": b"".join(lines),
            "database.sql": database,
            "sandbox.sql": sandbox,
            "topics.jsonl": topics,
        }
        for name, content in zipped.items():
            # Without a time: the same content is the same file.
            (self.folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))

    def _unzipped(self, name: str) -> bytes:
        return gzip.decompress((self.folder / f"{name}.gz").read_bytes())


def committed() -> list[Fixture]:
    """Return the fixture of every release, oldest first."""
    folders = (each for each in FIXTURES.iterdir() if each.is_dir())
    return [Fixture(each) for each in sorted(folders, key=lambda each: _numbers(each.name))]


def written_records(records: Iterable[Record]) -> bytes:
    """Return records as lines."""
    return b"".join(orjson.dumps(_record_line(each)) + b"\n" for each in records)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _record_line(record: Record) -> Json:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _text(record.key),
        "headers": [[name, _text(raw)] for name, raw in record.headers],
        "value": _text(record.value),
    }


def _read_record(line: Json) -> Record:
    return ConsumerRecord(
        topic=line["topic"],
        partition=line["partition"],
        offset=line["offset"],
        timestamp=line["timestamp"],
        timestamp_type=0,
        key=_bytes(line["key"]),
        value=_bytes(line["value"]),
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple((name, _bytes(raw)) for name, raw in line["headers"]),
    )


def _text(raw: bytes | None) -> str | Json | None:
    """Return bytes as text where they are text: a fixture is read by people too."""
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(raw).decode()}


def _bytes(written: str | Json | None) -> bytes | None:
    if written is None:
        return None
    return written.encode() if isinstance(written, str) else b64decode(written["base64"])
