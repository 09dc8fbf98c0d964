"""How a dispute begins."""

from dataclasses import replace

from infra.stripe_sandbox.balance.entries import of_dispute
from infra.stripe_sandbox.balance.render import render as render_row
from infra.stripe_sandbox.cards import DisputeCourse
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.charges.model import Charge
from infra.stripe_sandbox.disputes.model import ELIGIBILITY, NEEDS_RESPONSE, REASONS, WARNING_NEEDS_RESPONSE, Dispute
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.operation import World

DAY = 24 * 3600
DAYS_TO_RESPOND = 9
"""Of the calendar, the day of the dispute included: evidence is due at its last second."""


def dispute_charge(world: World, cause: Cause, charge: Charge) -> None:
    """Let the card's bank dispute a charge that was just taken, where it does; inside the caller's transaction."""
    course = charge.card.disputed
    if course is DisputeCourse.TWICE:
        half = charge.amount_captured // 2
        open_dispute(world, cause, charge, course, amount=half)
        disputed = world.store.get(Charge, cause.account, charge.id)
        assert disputed is not None
        open_dispute(world, cause, disputed, course, amount=charge.amount_captured - half)
    elif course is not None:
        open_dispute(world, cause, charge, course)


def open_dispute(
    world: World, cause: Cause, charge: Charge, course: DisputeCourse, *, amount: int | None = None
) -> Dispute:
    """Dispute a captured charge, inside the caller's transaction. Anything but an inquiry takes the money at once."""
    reason, network_reason_code = REASONS[course]
    inquiry = course is DisputeCourse.INQUIRY
    dispute = Dispute(
        id=world.ids.new(Dispute.PREFIX),
        created=world.now,
        charge=charge.id,
        payment_intent=charge.payment_intent,
        amount=charge.amount_captured if amount is None else amount,
        currency=charge.currency,
        status=WARNING_NEEDS_RESPONSE if inquiry else NEEDS_RESPONSE,
        reason=reason,
        brand=charge.card.brand,
        network_reason_code=network_reason_code,
        inquiry=inquiry,
        eligibility=ELIGIBILITY.get((charge.card.brand, course)),
        due_by=response_due(world.now),
    )
    if not inquiry:
        dispute = replace(dispute, balance_transactions=[withdraw(world, cause, dispute)])
    world.store.insert(cause.account, dispute)
    world.store.update(cause.account, replace(charge, disputed=True, charged_back=not inquiry), before=charge)
    world.store.schedule(dispute.id, dispute.due_by + 1)
    world.events.emit(cause, "charge.dispute.created", dispute)
    if not inquiry:
        world.events.emit(cause, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def response_due(now: int) -> int:
    """Return the last second in which evidence is in time."""
    return (now // DAY + DAYS_TO_RESPOND) * DAY - 1


def withdraw(world: World, cause: Cause, dispute: Dispute) -> JsonObject:
    """Take the amount and the fee off the balance, and return the row as the dispute shows it."""
    posted = world.ledger.post(cause.account, of_dispute(dispute, available_on=world.now))
    return shown_row(world, cause, posted)


def shown_row(world: World, cause: Cause, row_id: str) -> JsonObject:
    """Return a row that was just written, as a dispute shows it. A row that a fault hides shows its id alone."""
    row = world.ledger.get(cause.account, row_id)
    return {"id": row_id, "object": "balance_transaction"} if row is None else render_row(row, world.now)
