"""Whether the server has as many connections as the pools of the processes may open."""

from collections.abc import Mapping

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA

SUBJECT = "connections"


def capacity_finding(available: int, pools: Mapping[str, int]) -> Finding:
    """Rate the sum of the pools, each by the name of its process: one of each is counted."""
    needed = sum(pools.values())
    summary = f"pools of up to {needed} for one process of each kind, and the server has {available}"
    if needed > available:
        largest = ", ".join(f"{name} {size}" for name, size in sorted(pools.items(), key=lambda item: -item[1])[:3])
        remedy = (
            f"Raise max_connections, lower DATABASE_POOL_SIZE and READ_DATABASE_POOL_SIZE ({largest}), or "
            "put a pooler in between (docs/deployment.md)."
        )
        return AREA.error(SUBJECT, f"{summary}: some would be turned away", remedy)
    if needed * 2 > available:
        remedy = "Raise max_connections, or lower the pools, before you run two processes of each kind."
        return AREA.warning(
            SUBJECT, f"{summary}: too few for a second one of each, as while a version is replaced", remedy
        )
    return AREA.ok(SUBJECT, summary)
