"""The read model's connections: they can only read, and no statement of theirs runs for ever."""

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.postgres.pool import Plans, Pool, create_pool
from infra.postgres.pooling import DIRECT, Pooling

NAME = "query-api"


MAX_WAITING = 512
"""Unless QUERY_MAX_WAITING says otherwise."""


def create_read_pool(
    url: str, *, size: int, timeout_ms: int, pooling: Pooling = DIRECT, max_waiting: int = MAX_WAITING
) -> Pool:
    """Return a pool, not open yet, whose every statement is a read-only transaction of at most `timeout_ms`.

    Who comes while `max_waiting` wait for a connection is refused at once.

    Behind a pooler in transaction mode both are what the login role has (migration 0041).
    """
    if pooling.is_transaction:
        return create_pool(url, size=size, name=NAME, autocommit=True, pooling=pooling, max_waiting=max_waiting)
    given = conninfo_to_dict(url).get("options", "")
    options = f"{given} -c default_transaction_read_only=on -c statement_timeout={timeout_ms}".strip()
    # Lists, whose best plan depends on their filters, are not prepared.
    return create_pool(
        make_conninfo(url, options=options),
        size=size,
        name=NAME,
        autocommit=True,
        plans=Plans.AS_COSTED,
        max_waiting=max_waiting,
    )
