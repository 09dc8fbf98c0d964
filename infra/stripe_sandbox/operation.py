"""One endpoint of the API: what it accepts and what it does, apart from HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.stripe_sandbox.ids import Clock, Ids
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.params import Params, Spec
from infra.stripe_sandbox.store import Store

OK = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What operations read and change."""

    store: Store
    clock: Clock
    ids: Ids
    settle_ms: int
    """How long after its creation a refund of a pending or failing course moves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A validated request of an account."""

    world: World
    account: str
    path: Mapping[str, str]
    params: Params
    origin: str
    """The address under which the caller reached the sandbox, for the links it hands out."""

    @property
    def store(self) -> Store:
        """The objects."""
        return self.world.store

    @property
    def now(self) -> int:
        """The time in unix seconds."""
        return int(self.world.clock())


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer whose effects are kept; a decline (402) is one too."""

    body: JsonObject
    status: int = OK


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """An endpoint. `run` is called inside the request's transaction; raising StripeError undoes its effects."""

    method: str
    path: str
    accepts: Spec
    run: Callable[[Call], Reply]
