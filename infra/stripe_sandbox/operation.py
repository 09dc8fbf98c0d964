"""One endpoint of the API: what it accepts and what it does, apart from HTTP."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from infra.stripe_sandbox.balance.ledger import Ledger
from infra.stripe_sandbox.behaviour import Behaviour
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.clock import SandboxClock
from infra.stripe_sandbox.events.log import EventLog
from infra.stripe_sandbox.faults.registry import Faults
from infra.stripe_sandbox.ids import Ids
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.params import Spec
from infra.stripe_sandbox.restricted_keys import RestrictedKeys
from infra.stripe_sandbox.store import Store
from infra.stripe_sandbox.validation import Params
from infra.stripe_sandbox.webhooks.queue import WebhookQueue

OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What operations read and change."""

    store: Store
    clock: SandboxClock
    ids: Ids
    faults: Faults
    ledger: Ledger
    events: EventLog
    webhooks: WebhookQueue
    behaviour: Behaviour
    restricted_keys: RestrictedKeys
    settle_ms: int
    """How long after its creation a refund, a dispute or the bank's decision on one moves by itself."""

    @property
    def now(self) -> int:
        """The time in unix seconds."""
        return int(self.clock())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside and emit its events, or nothing if an exception leaves; see `Store.transaction`."""
        with self.store.transaction():
            try:
                yield
                self.events.write()
            except BaseException:
                self.events.forget()
                raise

    def move_later(self, object_id: str) -> None:
        """Let an object take its next step after `settle_ms`."""
        self.store.schedule(object_id, self.clock() + self.settle_ms / 1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A validated request of an account."""

    world: World
    account: str
    path: Mapping[str, str]
    params: Params
    origin: str
    """The address under which the caller reached the sandbox, for the links it hands out."""
    cause: Cause

    @property
    def store(self) -> Store:
        """The objects."""
        return self.world.store

    @property
    def now(self) -> int:
        """The time in unix seconds."""
        return self.world.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer whose effects are kept; a decline (402) is one too."""

    body: JsonObject
    status: int = OK


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiOperation:
    """An endpoint. `run` is called inside the request's transaction; raising StripeError undoes its effects."""

    method: str
    path: str
    accepts: Spec
    run: Callable[[Call], Reply]
