"""To accept what Stripe says against the log, of a payment."""

from fastapi import APIRouter

from back_office.office import Office
from back_office.operations.forms import Subject, add_operation
from back_office.operations.operation import StaffOperation
from back_office.payments import state
from back_office.staff.roles import Permission
from back_office.web.money import format_money
from back_office.web.words import words

router = APIRouter()

ACCEPT = StaffOperation(
    name="accept",
    title="Accept what Stripe says",
    button="Accept",
    consequence="The payment becomes what Stripe says it is; refunds and ledger follow. It cannot be undone.",
    permission=Permission.OPERATE,
    is_dangerous=True,
)


async def _contradiction(office: Office, payment_id: str) -> Subject:
    payment = (await office.query_api.get(f"/payments/{payment_id}")).body
    details = [
        ("Payment", f"{format_money(payment['amount_cents'], payment['currency'])}, {payment['user_id']}"),
        ("State here", state.sentence(payment)),
    ]
    details += [("Stripe says", f"{each['reason']}: {words(each['status'])}") for each in payment["contradictions"]]
    return Subject(details=details, back=f"/payments/{payment_id}", is_possible=bool(payment["contradictions"]))


add_operation(router, ACCEPT, place="/payments", find=_contradiction)
