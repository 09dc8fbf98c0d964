"""Refund, capture and cancel: a form first, which says what will happen; then the command, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import Counter
from starlette.responses import RedirectResponse

from back_office.apis.commands import Order, is_key, new_key, send
from back_office.apis.errors import ApiAway, ApiRefused, Json
from back_office.office import office_of
from back_office.operations.operation import MAX_REASON_CHARS
from back_office.payments import state
from back_office.payments.action import ACTIONS, Action
from back_office.staff.roles import Permission
from back_office.web.addresses import segment, with_query
from back_office.web.forms import FormIncomplete
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires
from infra.http.context import request_context
from infra.logs import bind_context

log = structlog.get_logger(__name__)

SENT = Counter("back_office_actions_total", "Commands that staff sent, by how they ended", ["action", "result"])

router = APIRouter()

_UNAVAILABLE = {429, 502, 503, 504}
_UNKNOWN = (
    "The command API did not answer in time: it may have recorded this, or not. Send the form again as it is: it is "
    "the same request, and is carried out once."
)
_REUSED = "This form was sent before, with something else in it: that was carried out, and this was not."
_NOT_OF_THE_FORM = {401, 403, 404}


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """What stands in the form."""

    amount: str
    reason: str
    key: str

    @classmethod
    def of(cls, fields: Mapping[str, str], *, amount: str = "") -> "Filled":
        """Return what was written, or what the form begins with: a key of its own."""
        return cls(
            amount=fields.get("amount", amount), reason=fields.get("reason", ""), key=fields.get("key") or new_key()
        )

    @classmethod
    def at_an_address(cls, query: Mapping[str, str], *, amount: str) -> "Filled":
        """Return what the form begins with; after a log-in in between, what was written before, with the key of then.

        The form may have been sent before the session ended, without an answer: with its key it is one command.
        """
        given = {name: text for name, text in query.items() if name in {"amount", "reason"}}
        return cls.of(given | ({"key": query["key"]} if is_key(query.get("key", "")) else {}), amount=amount)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """Somebody at the form of one payment."""

    request: Request
    visitor: Visitor
    action: Action
    payment: Json
    filled: Filled

    async def carry_out(self) -> Response:
        """Send the command; show the payment, or the form with what stands in the way. What was written stays."""
        try:
            body = self.action.body(self.payment, amount=self.filled.amount, reason=self.filled.reason)
            position = await self._send(body)
        except FormIncomplete as refused:
            return self.form(mistakes=refused.mistakes, status=422)
        except ApiAway:
            return self._unknown()
        except ApiRefused as refused:
            return self._refused(refused)
        shown = {"done": self.action.name, "min_position": str(position or "")}
        return RedirectResponse(with_query(f"/payments/{segment(self.payment['id'])}", shown), status_code=303)

    async def _send(self, body: Json) -> int | None:
        order = Order(
            payment_id=segment(self.payment["id"]),
            action=self.action.name,
            body=body,
            key=self.filled.key,
            actor=self.visitor.name,
            correlation_id=request_context(self.request).correlation_id,
        )
        answer = await send(office_of(self.request).command_api, order)
        SENT.labels(self.action.name, "accepted").inc()
        log.info("staff_command_accepted", action=self.action.name, **body)
        return answer.position

    def _refused(self, refused: ApiRefused) -> Response:
        """Show the form with the reason. Raises ApiRefused for what no form can mend."""
        if refused.status in _NOT_OF_THE_FORM:
            raise refused
        log.info("staff_command_refused", action=self.action.name, code=refused.code)
        if refused.status in _UNAVAILABLE:
            return self._unknown()
        SENT.labels(self.action.name, "refused").inc()
        is_reused = refused.code == "idempotency_key_reused"
        return self.form(error=_REUSED if is_reused else refused.detail, status=refused.status, begin_anew=is_reused)

    def _unknown(self) -> Response:
        SENT.labels(self.action.name, "unknown").inc()
        return self.form(error=_UNKNOWN, status=503)

    def form(
        self,
        *,
        mistakes: Mapping[str, str] | None = None,
        error: str = "",
        status: int = 200,
        begin_anew: bool = False,
    ) -> Response:
        """Show the form. `begin_anew` offers one with a key of its own: this one's is used up."""
        return page(
            self.request,
            "payments/action.html",
            self.visitor,
            status=status,
            action=self.action,
            payment=self.payment,
            sentence=state.sentence(self.payment),
            tone=state.tone(self.payment),
            possible=self.action.name in state.actions(self.payment),
            left=self.action.amount_left(self.payment),
            refusal_reason=self.action.refusal_reason(self.payment),
            filled=self.filled,
            mistakes=mistakes or {},
            error=error,
            begin_anew=begin_anew,
            most_chars=MAX_REASON_CHARS,
        )


def _add_routes(action: Action) -> None:
    allowed = Depends(requires(Permission(action.name)))
    path = f"/payments/{{payment_id}}/{action.name}"

    async def show_form(request: Request, payment_id: str, visitor: Annotated[Visitor, allowed]) -> Response:
        payment = await _payment(request, payment_id)
        left = action.written(action.amount_left(payment), payment["currency"])
        filled = Filled.at_an_address(request.query_params, amount=left)
        return Attempt(request=request, visitor=visitor, action=action, payment=payment, filled=filled).form()

    async def carry_out(request: Request, payment_id: str, visitor: Annotated[Visitor, allowed]) -> Response:
        filled = Filled.of(await visitor.form(request))
        bind_context(payment_id=payment_id)
        payment = await _payment(request, payment_id)
        attempt = Attempt(request=request, visitor=visitor, action=action, payment=payment, filled=filled)
        return await attempt.carry_out()

    router.add_api_route(path, show_form, methods=["GET"], response_model=None, name=f"{action.name}_form")
    router.add_api_route(path, carry_out, methods=["POST"], response_model=None, name=action.name)


async def _payment(request: Request, payment_id: str) -> Json:
    return (await office_of(request).query_api.get(f"/payments/{segment(payment_id)}")).body


for _action in ACTIONS:
    _add_routes(_action)
    for _result in ("accepted", "refused", "unknown"):
        SENT.labels(_action.name, _result)
