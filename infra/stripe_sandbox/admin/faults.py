"""Rules of faults, and rows that are wrong from the start."""

from dataclasses import dataclass

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from infra.stripe_sandbox.balance.model import Entry
from infra.stripe_sandbox.faults.rules import Rule
from infra.stripe_sandbox.json_types import Json, JsonObject
from infra.stripe_sandbox.panel import Body, Panel, parsed, unknown


class RowChange(Body):
    """The fields of a balance row that are falsified; `shown` is whether the API lists the row."""

    shown: bool | None = None
    amount: int | None = None
    fee: int | None = None
    currency: str | None = None


class ExtraRow(Body):
    """A row that nothing caused."""

    account: str
    source: str
    amount: int
    currency: str = "usd"
    type: str = "charge"
    reporting_category: str = "charge"
    fee: int = Field(default=0)
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultPages:
    """The pages about faults."""

    panel: Panel

    def routes(self) -> list[Route]:
        """Return the pages' routes."""
        page = self.panel.page
        return [
            Route("/_sandbox/faults", page(self._all), methods=["GET"]),
            Route("/_sandbox/faults", page(self._add), methods=["POST"]),
            Route("/_sandbox/faults", page(self._clear), methods=["DELETE"]),
            Route("/_sandbox/faults/{id:int}", page(self._clear), methods=["DELETE"]),
            Route("/_sandbox/balance_transactions", page(self._extra_row), methods=["POST"]),
            Route("/_sandbox/balance_transactions/{id}", page(self._falsify), methods=["POST"]),
        ]

    async def _all(self, _: Request) -> Json:
        return self.panel.world.faults.all()

    async def _add(self, request: Request) -> Json:
        rule = await parsed(request, Rule)
        with self.panel.world.transaction():
            return self.panel.world.faults.add(rule).shown()

    async def _clear(self, request: Request) -> Json:
        rule_id: int | None = request.path_params.get("id")
        with self.panel.world.transaction():
            cleared = self.panel.world.faults.clear(rule_id)
        if rule_id is not None and not cleared:
            raise unknown("rule")
        return {"cleared": cleared}

    async def _extra_row(self, request: Request) -> Json:
        row = await parsed(request, ExtraRow)
        world = self.panel.world
        with world.transaction():
            posted = world.ledger.post(row.account, Entry(**row.model_dump(exclude={"account"})))
        return {"id": posted}

    async def _falsify(self, request: Request) -> Json:
        world, change = self.panel.world, await parsed(request, RowChange)
        with world.transaction():
            before = world.ledger.falsify(request.path_params["id"], **change.model_dump())
        if before is None:
            raise unknown("balance transaction")
        was: JsonObject = {
            "shown": bool(before.shown),
            "amount": before.amount,
            "fee": before.fee,
            "currency": before.currency,
        }
        return {"id": before.id, "before": was}
