"""What customers and banks do: refunds that move, holds that end, disputes and payouts."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from infra.stripe_sandbox.cards import DisputeCourse
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.charges.expire import charge_moves
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.charges.render import render as render_charge
from infra.stripe_sandbox.disputes.decide import decide
from infra.stripe_sandbox.disputes.model import LOST, Dispute
from infra.stripe_sandbox.disputes.open import open_dispute
from infra.stripe_sandbox.disputes.render import render as render_dispute
from infra.stripe_sandbox.json_types import Json
from infra.stripe_sandbox.panel import Body, Panel, impossible, parsed, unknown
from infra.stripe_sandbox.payouts.make import pay_out_everything
from infra.stripe_sandbox.payouts.model import FAILED, PAID, Payout
from infra.stripe_sandbox.payouts.render import render as render_payout
from infra.stripe_sandbox.payouts.settle import settle as settle_payout
from infra.stripe_sandbox.refunds.model import ENDED_WITHOUT_MONEY, Refund
from infra.stripe_sandbox.refunds.render import render as render_refund
from infra.stripe_sandbox.refunds.settle import refund_moves
from infra.stripe_sandbox.refunds.settle import settle as settle_refund


class RefundEnd(Body):
    """How a refund ends; by default, as it would by itself."""

    status: Literal["succeeded", "failed", "canceled"] | None = None


class NewDispute(Body):
    """How a charge is disputed; by default, all of it, as fraud."""

    course: DisputeCourse = Field(default=DisputeCourse.FRAUDULENT, strict=False)
    amount: int | None = Field(default=None, ge=1)


class Decision(Body):
    """How a dispute ends, or that an inquiry becomes a chargeback. Of one that is lost, how much; by default, all."""

    status: Literal["won", "lost", "warning_closed", "needs_response"]
    lost_amount: int | None = Field(default=None, ge=1)


class PayoutRun(Body):
    """Whether the bank will send the payouts back."""

    fails: bool = False


class PayoutEnd(Body):
    """How a payout ends."""

    status: Literal["paid", "failed"] = "paid"


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentPages:
    """The pages that move objects."""

    panel: Panel

    def routes(self) -> list[Route]:
        """Return the pages' routes."""
        pages = {
            "/_sandbox/refunds/{id}/settle": self._settle_refund,
            "/_sandbox/charges/{id}/expire": self._expire,
            "/_sandbox/charges/{id}/dispute": self._dispute,
            "/_sandbox/disputes/{id}/decide": self._decide,
            "/_sandbox/payouts/run": self._pay_out,
            "/_sandbox/payouts/{id}/settle": self._settle_payout,
        }
        return [Route(path, self.panel.page(page), methods=["POST"]) for path, page in pages.items()]

    async def _settle_refund(self, request: Request) -> Json:
        world, end = self.panel.world, await parsed(request, RefundEnd)
        located = world.store.locate(Refund, request.path_params["id"])
        if located is None:
            raise unknown("refund")
        account, refund = located
        with world.transaction():
            if end.status is None:
                moved = refund_moves(world, refund.id)
                assert moved is not None
                return render_refund(moved)
            if refund.status in {*ENDED_WITHOUT_MONEY, end.status}:
                raise impossible(f"refund {refund.id} is {refund.status}")
            return render_refund(settle_refund(world, Cause(account=account), refund, end.status))

    async def _expire(self, request: Request) -> Json:
        world = self.panel.world
        located = world.store.locate(Charge, request.path_params["id"])
        if located is None:
            raise unknown("charge")
        account, charge = located
        if not charge.held:
            raise impossible(f"charge {charge.id} is no hold")
        with world.transaction():
            world.store.unschedule(charge.id)
            charge_moves(world, charge.id)
        expired = world.store.get(Charge, account, charge.id)
        assert expired is not None
        return render_charge(expired)

    async def _dispute(self, request: Request) -> Json:
        world, requested = self.panel.world, await parsed(request, NewDispute)
        located = world.store.locate(Charge, request.path_params["id"])
        if located is None:
            raise unknown("charge")
        account, charge = located
        if not charge.captured or charge.disputed:
            raise impossible(f"charge {charge.id} is not captured, or disputed already")
        if requested.amount is not None and requested.amount > charge.amount_captured:
            raise impossible(f"charge {charge.id} has only {charge.amount_captured}")
        with world.transaction():
            opened = open_dispute(world, Cause(account=account), charge, requested.course, amount=requested.amount)
        return render_dispute(opened)

    async def _decide(self, request: Request) -> Json:
        world, decision = self.panel.world, await parsed(request, Decision)
        located = world.store.locate(Dispute, request.path_params["id"])
        if located is None:
            raise unknown("dispute")
        account, dispute = located
        of_inquiries = decision.status in {"warning_closed", "needs_response"}
        if dispute.closed or dispute.inquiry is not of_inquiries:
            raise impossible(f"dispute {dispute.id} is {dispute.status}")
        if decision.lost_amount is not None and (decision.status != LOST or decision.lost_amount > dispute.amount):
            raise impossible(f"of dispute {dispute.id}, {dispute.amount} at most can be lost, and only by losing it")
        with world.transaction():
            cause = Cause(account=account)
            return render_dispute(decide(world, cause, dispute, decision.status, lost_amount=decision.lost_amount))

    async def _pay_out(self, request: Request) -> Json:
        run = await parsed(request, PayoutRun)
        with self.panel.world.transaction():
            return [render_payout(payout) for payout in pay_out_everything(self.panel.world, fails=run.fails)]

    async def _settle_payout(self, request: Request) -> Json:
        world, end = self.panel.world, await parsed(request, PayoutEnd)
        located = world.store.locate(Payout, request.path_params["id"])
        if located is None:
            raise unknown("payout")
        account, payout = located
        if payout.failure_balance_transaction is not None or (payout.status, end.status) == (PAID, PAID):
            raise impossible(f"payout {payout.id} is {payout.status}")
        with world.transaction():
            status = PAID if end.status == "paid" else FAILED
            return render_payout(settle_payout(world, Cause(account=account), payout, status))
