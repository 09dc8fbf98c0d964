"""The permissions that a restricted key needs, and which of them a reading call can check.

https://docs.stripe.com/keys/restricted-api-keys; docs/stripe-keys.md has the same list for people. A call that the key
may not make is answered 403, whatever it asks for: reading one object of each kind tells what may be read. Whether it
may write, only writing would tell.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import stripe

from infra.doctor.finding import Finding
from infra.doctor.stripe.api import FORBIDDEN, OK, Answer, NoAnswer, ask
from infra.doctor.stripe.key import AREA

READS, WRITES = "permissions to read", "permissions to write"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """A resource as the dashboard names it; `path` lists it, and whether more than reading is needed."""

    resource: str
    permission: str
    path: str
    write: bool = False


NEEDED = (
    Needed(resource="PaymentIntents", permission="rak_payment_intent", path="/v1/payment_intents", write=True),
    Needed(resource="Charges and Refunds", permission="rak_charge", path="/v1/refunds", write=True),
    Needed(resource="Disputes", permission="rak_dispute", path="/v1/disputes"),
    Needed(
        resource="Balance Transaction Sources",
        permission="rak_balance_transaction_source",
        path="/v1/balance_transactions",
    ),
    Needed(resource="Payouts", permission="rak_payout", path="/v1/payouts"),
    Needed(resource="Events", permission="rak_event", path="/v1/events"),
)
"""What the gateway, the sweeper and reconciliation call."""

_WHERE = "Edit the key at https://dashboard.stripe.com/apikeys; docs/stripe-keys.md lists all that it needs."


async def permission_findings(client: stripe.StripeClient) -> list[Finding]:
    """Read one object of each kind, all at once, and say what the restricted key may read."""
    answers = await asyncio.gather(*(_read(client, each.path) for each in NEEDED))
    return list(findings_of({each.resource: answer for each, answer in zip(NEEDED, answers, strict=True)}))


def findings_of(answers: Mapping[str, Answer | NoAnswer]) -> Iterator[Finding]:
    """Yield what the answers say of each resource, and that nothing is known about writing."""
    forbidden = [name for name, answer in answers.items() if _status(answer) == FORBIDDEN]
    unknown = [name for name, answer in answers.items() if _status(answer) not in {OK, FORBIDDEN}]
    if forbidden:
        yield AREA.error(READS, f"the restricted key may not read {_listed(forbidden)}", _WHERE)
    elif unknown:
        yield AREA.skipped(READS, f"Stripe did not say whether the key may read {_listed(unknown)}")
    else:
        yield AREA.ok(READS, f"the restricted key may read {_listed(list(answers))}")
    written = [each.resource for each in NEEDED if each.write]
    yield AREA.skipped(
        WRITES,
        f"no reading call tells whether the restricted key may write {_listed(written)}, as payments need",
        _WHERE,
    )


async def _read(client: stripe.StripeClient, path: str) -> Answer | NoAnswer:
    try:
        return await ask(client, path, limit=1)
    except NoAnswer as error:
        return error


def _status(answer: Answer | NoAnswer) -> int | None:
    return answer.status if isinstance(answer, Answer) else None


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
