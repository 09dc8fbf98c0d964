"""The endpoints of payment intents; search stands before retrieve, whose path it would match."""

from infra.stripe_sandbox.payment_intents import cancel, capture, confirm, create, read, search, update

OPERATIONS = (
    create.OPERATION,
    search.OPERATION,
    read.LIST,
    read.RETRIEVE,
    update.OPERATION,
    confirm.OPERATION,
    capture.OPERATION,
    cancel.OPERATION,
)
