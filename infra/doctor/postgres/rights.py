"""Compares what a login may do with what its processes need, and with what nobody may do: change the log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA

_READ = frozenset({"SELECT"})
_CHANGE = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCATE"})
_KEEP = frozenset({"SELECT", "INSERT", "UPDATE"})
_LOG = "event_store.events"
_NEVER_CHANGED = (_LOG, "event_store.streams", "event_store.idempotency_keys")


class Purpose(StrEnum):
    """The group role that a login has to belong to. OWNER is not a group: it owns the database."""

    APP = "paystream_app"
    RELAY = "paystream_relay"
    PROJECTOR = "paystream_projector"
    QUERY = "paystream_query"
    SEALER = "paystream_sealer"
    OWNER = "owner"


NEEDED: Mapping[Purpose, Mapping[str, frozenset[str]]] = {
    Purpose.APP: {
        _LOG: _READ,
        "consumers.consumer_checkpoints": _KEEP,
        "consumers.gateway_tasks": _KEEP,
    },
    Purpose.RELAY: {
        _LOG: _READ,
        "event_store.relay_positions": _KEEP,
    },
    Purpose.PROJECTOR: {
        _LOG: _READ,
        "consumers.consumer_checkpoints": _KEEP,
        "read_model.payments": _KEEP,
        "read_model.payment_timeline": _KEEP,
    },
    Purpose.QUERY: {
        "read_model.payments": _READ,
        "read_model.payment_timeline": _READ,
        "read_model.projection_checkpoints": _READ,
    },
    Purpose.SEALER: {
        _LOG: _READ,
        "event_proofs.checkpoints": _READ | {"INSERT"},
        "event_proofs.cosignatures": _READ | {"INSERT"},
    },
    Purpose.OWNER: {},
}
"""By table. A part of what the processes need, which tells whether the login is of the right kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """What a login may do. A table that it may not see at all has none."""

    role: str
    tables: frozenset[str]
    of: Mapping[str, frozenset[str]]
    may_append: bool
    may_recover: bool | None = False
    """May write back what the log lost, and open it; None before the migration that brings this."""
    other_ways: tuple[str, ...] = ()
    """What it may do beside its tables, and has no need to."""


def rights_finding(purpose: Purpose, rights: Rights, users: str) -> Finding:
    """Rate a login by what it is used for."""
    subject = f"rights of {rights.role}"
    has_no_group_yet = purpose is Purpose.RELAY and rights.may_recover is None
    if has_no_group_yet or _LOG not in rights.tables or not rights.tables.issuperset(NEEDED[purpose]):
        return AREA.skipped(subject, "not all tables are there yet: see the migrations")
    alone = (
        f"Give {users} a login that is a member of {purpose} alone, not a superuser nor the owner of the tables: "
        f"CREATE ROLE ... LOGIN; GRANT {purpose} TO ..."
    )
    if too_many := list(_too_many(purpose, rights)):
        return AREA.error(subject, f"{users}: may {'; may '.join(too_many)}", alone)
    if too_few := list(_too_few(purpose, rights)):
        remedy = (
            f"Give {users} a login that is a member of {purpose} (GRANT {purpose} TO ...). If it has one of its own "
            f"where it runs, look at it there: paystream doctor --process {users.partition(',')[0]}"
        )
        return AREA.error(subject, f"{users}: may not {'; may not '.join(too_few)}", remedy)
    if needless := _needless(purpose, rights):
        return AREA.warning(subject, f"{users}: may {needless}, and never does", alone)
    if rights.other_ways:
        detail = f"{users}: may {'; may '.join(rights.other_ways)}, and never does"
        return AREA.warning(subject, detail, "Take it from PUBLIC, as docs/runbooks/database-roles.md has it.")
    return AREA.ok(subject, f"as {purpose} has them, for {users}")


def _too_many(purpose: Purpose, rights: Rights) -> Iterator[str]:
    for table in sorted(rights.of):
        changes = rights.of[table] & _CHANGE
        if changes and (purpose is Purpose.QUERY or table in _NEVER_CHANGED or table.startswith(f"{_LOG}_")):
            yield f"{', '.join(sorted(changes))} {table}"
            if table == _LOG:
                return  # its partitions would repeat it
    if purpose is Purpose.QUERY and rights.may_append:
        yield "call event_store.append"


def _needless(purpose: Purpose, rights: Rights) -> str | None:
    if purpose is not Purpose.RELAY and rights.may_recover:
        return "write events back into the log"
    if purpose in {Purpose.RELAY, Purpose.PROJECTOR, Purpose.SEALER} and rights.may_append:
        return "call event_store.append"
    return None


def _too_few(purpose: Purpose, rights: Rights) -> Iterator[str]:
    if purpose is Purpose.APP and not rights.may_append:
        yield "call event_store.append"
    if purpose is Purpose.RELAY and rights.may_recover is False:
        yield "open the log, which stays closed after the next start of PostgreSQL"
    for table, needed in NEEDED[purpose].items():
        if lacking := needed - rights.of.get(table, frozenset()):
            yield f"{', '.join(sorted(lacking))} {table}"
