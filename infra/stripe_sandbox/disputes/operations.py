"""Answering disputes: https://docs.stripe.com/api/disputes."""

from dataclasses import replace

from infra.stripe_sandbox.disputes.decide import decide, unanswered
from infra.stripe_sandbox.disputes.model import (
    LOST,
    NEEDS_RESPONSE,
    UNDER_REVIEW,
    WARNING_CLOSED,
    WARNING_UNDER_REVIEW,
    WON,
    Dispute,
)
from infra.stripe_sandbox.disputes.render import EVIDENCE, render
from infra.stripe_sandbox.errors import StripeError, resource_missing
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, list_page
from infra.stripe_sandbox.params import METADATA, choice, flag, nested, spec, text, unmodelled

# https://docs.stripe.com/testing#evidence: a text that the bank obeys.
_DECISIONS = {"winning_evidence": WON, "losing_evidence": LOST, "escalate_inquiry_evidence": NEEDS_RESPONSE}
_OF_INQUIRIES = {WON: WARNING_CLOSED, LOST: WARNING_CLOSED}


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/disputes/{id}`."""
    return Reply(body=expanded(call, render(_named(call))))


def list_(call: Call) -> Reply:
    """Return a page of disputes, newest first, of one charge or payment intent where asked."""
    return Reply(body=list_page(call, Dispute, render, url="/v1/disputes"))


def update(call: Call) -> Reply:
    """Keep evidence, and send it to the bank unless it is only to be kept."""
    before = _open(call)
    params = call.params
    given = params.object("evidence") or {}
    dispute = replace(
        before,
        metadata=params.metadata().apply(before.metadata),
        evidence={name: value for name, value in {**before.evidence, **given}.items() if value is not None},
        intended_submission_method=params.text_or("intended_submission_method", before.intended_submission_method),
    )
    if params.flag("submit") or (given and "submit" not in params):
        dispute = _submitted(call, dispute)
    call.store.update(call.account, dispute, before=before)
    call.world.events.emit(call.cause, "charge.dispute.updated", dispute, before=before)
    if dispute.decides_to is not None:
        call.world.move_later(dispute.id)
    return Reply(body=expanded(call, render(dispute)))


def close(call: Call) -> Reply:
    """Give up: the dispute is lost."""
    dispute = _open(call)
    return Reply(body=expanded(call, render(decide(call.world, call.cause, dispute, unanswered(dispute)))))


def _submitted(call: Call, dispute: Dispute) -> Dispute:
    decides_to = _DECISIONS.get(str(dispute.evidence.get("uncategorized_text")))
    if dispute.inquiry:
        decides_to = _OF_INQUIRIES.get(decides_to or "", decides_to)
    elif decides_to == NEEDS_RESPONSE:
        decides_to = None
    return replace(
        dispute,
        status=WARNING_UNDER_REVIEW if dispute.inquiry else UNDER_REVIEW,
        submission_count=dispute.submission_count + 1,
        past_due=call.now > dispute.due_by,
        decides_to=decides_to,
    )


def _named(call: Call) -> Dispute:
    dispute = call.store.get(Dispute, call.account, call.path["dispute"])
    if dispute is None:
        raise resource_missing("dispute", call.path["dispute"], param="dispute")
    return dispute


def _open(call: Call) -> Dispute:
    dispute = _named(call)
    if dispute.closed:
        raise StripeError("This dispute is already closed")
    return dispute


OPERATIONS = (
    ApiOperation(
        method="GET",
        path="/v1/disputes",
        accepts=spec(*PAGE_PARAMS, text("charge"), text("payment_intent")),
        run=list_,
    ),
    ApiOperation(method="GET", path="/v1/disputes/{dispute}", accepts=spec(), run=retrieve),
    ApiOperation(
        method="POST",
        path="/v1/disputes/{dispute}",
        accepts=spec(
            nested(
                "evidence",
                *(text(name, clearable=True, max_length=length) for name, length in EVIDENCE.items()),
                *unmodelled("appeal", "enhanced_evidence"),
            ),
            choice("intended_submission_method", "manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes"),
            flag("submit"),
            METADATA,
        ),
        run=update,
    ),
    ApiOperation(method="POST", path="/v1/disputes/{dispute}/close", accepts=spec(), run=close),
)
