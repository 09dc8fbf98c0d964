"""All that reaches into aiokafka or replaces a part of it, each with its reason. Written for aiokafka 0.14.

`apply_patches` replaces parts, for all clients of the process; `stopping` and `fetch_wait` are called. A new version of
aiokafka is taken only after each module here was read against it.
"""

from infra.kafka.aiokafka_patches.bootstrapping import close_cancelled_bootstraps
from infra.kafka.aiokafka_patches.closed_connections import report_closed_connections
from infra.kafka.aiokafka_patches.header_names import read_any_header_name
from infra.kafka.aiokafka_patches.logins import keep_logins_out_of_logs
from infra.kafka.aiokafka_patches.metadata import never_create_topics
from infra.kafka.aiokafka_patches.refused_assignments import insist_on_assignments
from infra.kafka.aiokafka_patches.transactions import try_next_transaction_soon


def apply_patches() -> None:
    """Patch aiokafka for this process. Running it again changes nothing."""
    never_create_topics()
    close_cancelled_bootstraps()
    read_any_header_name()
    report_closed_connections()
    try_next_transaction_soon()
    keep_logins_out_of_logs()
    insist_on_assignments()
