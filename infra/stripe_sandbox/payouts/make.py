"""How a payout begins: by hand, or each day for everything that is available."""

from dataclasses import replace

from infra.stripe_sandbox.balance.entries import of_payout
from infra.stripe_sandbox.cause import Cause
from infra.stripe_sandbox.operation import World
from infra.stripe_sandbox.payouts.model import IN_TRANSIT, Payout

DAY = 24 * 3600
DESCRIPTION = "STRIPE PAYOUT"


def pay_out_everything(world: World, *, fails: bool = False) -> list[Payout]:
    """Pay out what is available of every account, as happens each day, inside the caller's transaction.

    What was paid out by hand is taken off; a balance that is not above zero waits.
    """
    made = []
    for account, currency, amount in world.ledger.to_pay_out():
        payout = Payout(
            id=world.ids.new("po"),
            created=world.now,
            amount=amount,
            currency=currency,
            status=IN_TRANSIT,
            automatic=True,
            arrival_date=arrival(world.now),
            description=DESCRIPTION,
            fails=fails,
        )
        world.ledger.assign(account, currency, payout.id)
        made.append(begin(world, Cause(account=account), payout))
    return made


def begin(world: World, cause: Cause, payout: Payout) -> Payout:
    """Take a payout's amount off the balance and send it on its way, inside the caller's transaction."""
    payout = replace(payout, balance_transaction=world.ledger.post(cause.account, of_payout(payout)))
    world.store.insert(cause.account, payout)
    world.store.schedule(payout.id, payout.arrival_date)
    world.events.emit(cause, "payout.created", payout)
    return payout


def arrival(now: int) -> int:
    """Return when a payout of now arrives: at the next midnight UTC."""
    return (now // DAY + 1) * DAY
