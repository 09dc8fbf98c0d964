"""Makes a group's leader join as a new member when the broker does not take the assignment that it has made.

A leader joins again when topics have other partitions than it knew, and real Kafka begins a generation for that. The
embedded broker stays in the one that there is, and answers with its assignment: none, if the topics were not there
yet. Whoever joined such a broker too early would read nothing until its process ended.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

import structlog
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest

log = structlog.get_logger(__name__)

_MARK = "_paystream_insists_on_assignments"
_MADE = "_paystream_made_assignment"
_PAUSE_S: Final = 0.5

_Method = Callable[[Any, Any], Awaitable[Any]]


def insist_on_assignments() -> None:
    """Make every leader of this process do so. Running it again changes nothing."""
    if not hasattr(CoordinatorGroupRebalance, _MARK):
        GroupCoordinator._perform_assignment = _remembering(GroupCoordinator._perform_assignment)  # noqa: SLF001 - see above
        CoordinatorGroupRebalance._on_join_leader = _insisting(CoordinatorGroupRebalance._on_join_leader)  # noqa: SLF001 - see above
        setattr(CoordinatorGroupRebalance, _MARK, True)


def _remembering(method: _Method) -> _Method:
    @wraps(method)
    async def perform_assignment(self: Any, response: Any) -> Any:
        assignments = await method(self, response)
        setattr(self, _MADE, assignments.get(self.member_id))
        return assignments

    return perform_assignment


def _insisting(method: _Method) -> _Method:
    @wraps(method)
    async def on_join_leader(self: Any, response: Any) -> Any:
        answered = await method(self, response)
        coordinator = self._coordinator
        made = getattr(coordinator, _MADE, None)
        if answered is None or made is None or _partitions(answered) == set(made.partitions()):
            return answered
        log.warning("kafka_assignment_refused", group=self.group_id)
        try:
            await coordinator._send_req(LeaveGroupRequest(self.group_id, coordinator.member_id))  # noqa: SLF001 - see above
        except KafkaError as error:
            log.info("kafka_group_not_left", group=self.group_id, error=repr(error))  # it forgets who is silent
        await asyncio.sleep(_PAUSE_S)
        coordinator.reset_generation()
        return None

    return on_join_leader


def _partitions(assignment: bytes) -> set[Any]:
    return set(ConsumerProtocol.ASSIGNMENT.decode(assignment).partitions())
