"""What the command API lends to the endpoints of operators, for tests that call none of them."""

from command_api.operator_endpoints import operations
from infra.http.operations import Operations
from infra.postgres.pool import create_pool


def refusing_operations() -> Operations:
    """Return it, on a database that is not there."""
    pool = create_pool("postgresql://nobody@127.0.0.1:1/none", size=1, name="refusing")
    return operations(pool, timeout_s=0.1, kafka_topic_partitions=12)
