"""Payments, as what operations are about."""

from command_api.commands.client_operation import Subject
from command_api.errors import PaymentBusy, PaymentNotFound
from command_api.payments.metrics import record_accepted, record_result
from command_api.payments.operations import original_ids
from domain.payment.decide import decide
from event_store.payments import PAYMENT

PAYMENTS = Subject(
    aggregate=PAYMENT,
    decide=decide,
    not_found=PaymentNotFound,
    busy=PaymentBusy,
    original_ids=original_ids,
    has_personal_data=lambda _: False,
    record_accepted=record_accepted,
    record_result=record_result,
)
