"""What the installed package declares: processes, workers, topics and published documents, found by entry point.

So `infra` can run the parts of the system without importing any of them. The groups are in pyproject.toml.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

PROCESSES = "paystream.processes"
WORKERS = "paystream.workers"
SETTINGS = "paystream.settings"
"""The class of settings of each process, of each worker as `worker-<name>`, and of `migrate`."""
TOPICS = "paystream.topics"
SCHEMAS = "paystream.schemas"
SCHEMA_RULES = "paystream.schema-rules"
MASKS = "paystream.masks"
"""What is shown of a record's value: an async function of a connection and bytes, which returns bytes."""


WORKERS_TOGETHER = "workers"
"""The process of `paystream worker all`."""
_PROCESSES_WITHOUT_HTTP = ("relay", "projector")


class NotDeclared(LookupError):
    """There is no entry point of that name; the text lists those that there are."""


def names(group: str) -> list[str]:
    """Return the names of a group, sorted."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load(group: str, name: str) -> Any:
    """Import what `name` stands for. Raises NotDeclared."""
    found: EntryPoint | None = next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        raise NotDeclared(_unknown(group, name, names(group)))
    return found.load()


def served_together() -> dict[str, str]:
    """Return the group of each process and worker that `paystream worker all` runs in one process, by name."""
    return dict.fromkeys(_PROCESSES_WITHOUT_HTTP, PROCESSES) | dict.fromkeys(names(WORKERS), WORKERS)


def settings_prefix(name: str) -> str:
    """Return how the variables begin that are for one of them alone: `PROJECTOR__DATABASE_URL`."""
    return f"{name.replace('-', '_').upper()}__"


def settings_of(name: str) -> Any:
    """Return the class of settings of a process. Raises NotDeclared."""
    return load(SETTINGS, name)


def topic_declarations(partitions: int, replication_factor: int) -> list[Any]:
    """Return the declarations of every topic of the system, as `create_topics` takes them."""
    return [
        declaration
        for entry in entry_points(group=TOPICS)
        for declaration in entry.load()(partitions, replication_factor)
    ]


def schema_documents() -> dict[str, Any]:
    """Return every published document, as JSON values, by its path in the folder of exported files.

    Raises NotDeclared when there is none, as in a package that was not installed.
    """
    declared = names(SCHEMAS)
    if not declared:
        raise NotDeclared("No published document is declared: is paystream installed? Remedy: make install-dev")
    return {path: document for name in declared for path, document in load(SCHEMAS, name)().items()}


def _unknown(group: str, name: str, known: Iterable[str]) -> str:
    kind = {WORKERS: "worker", SCHEMA_RULES: "rule of schemas"}.get(group, "process")
    listed = ", ".join(known)
    if listed:
        return f"There is no {kind} {name!r}. There are: {listed}."
    return f"There is no {kind} {name!r}, and none is declared: is paystream installed? Remedy: make install"
