"""Customers over the API: https://docs.stripe.com/api/customers. They are made, changed and read; none is deleted."""

from dataclasses import replace

from infra.stripe_sandbox.customers.address import ADDRESS, SHIPPING_ADDRESS
from infra.stripe_sandbox.customers.lookup import WELL_KNOWN, find_customer
from infra.stripe_sandbox.customers.model import NOT_EXEMPT, Customer
from infra.stripe_sandbox.customers.render import render
from infra.stripe_sandbox.errors import StripeError, resource_missing
from infra.stripe_sandbox.expand import expanded
from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.pages import PAGE_PARAMS, list_page
from infra.stripe_sandbox.params import METADATA, choice, flag, nested, spec, text, texts, unmodelled
from infra.stripe_sandbox.texts import check_email

_SHARED = (
    text("business_name", clearable=True, max_length=150),
    text("description", clearable=True),
    text("email", clearable=True, max_length=512, check=check_email),
    text("individual_name", clearable=True, max_length=150),
    text("name", clearable=True, max_length=256),
    text("phone", clearable=True, max_length=20),
    ADDRESS,
    texts("preferred_locales"),
    nested("shipping", SHIPPING_ADDRESS, text("name", required=True), text("phone", clearable=True), clearable=True),
    choice("tax_exempt", "exempt", "none", "reverse", clearable=True),
    flag("validate"),  # a source, of which there are none
    METADATA,
    *unmodelled(
        "balance", "cash_balance", "invoice_prefix", "invoice_settings", "next_invoice_sequence", "source", "tax"
    ),
)


def create(call: Call) -> Reply:
    """Make a customer; nothing of them has to be known."""
    customer = _changed(call, Customer(id=call.world.ids.new("cus"), created=call.now))
    call.store.insert(call.account, customer)
    call.world.events.emit(call.cause, "customer.created", customer)
    return Reply(body=expanded(call, render(customer)))


def update(call: Call) -> Reply:
    """Change what the request names. The customer that every account has stays as it is."""
    before = _named(call)
    if before is WELL_KNOWN:
        raise StripeError(f"The sandbox's own customer {before.id} cannot be changed.")
    customer = _changed(call, before)
    call.store.update(call.account, customer, before=before)
    if customer != before:
        call.world.events.emit(call.cause, "customer.updated", customer, before=before)
    return Reply(body=expanded(call, render(customer)))


def retrieve(call: Call) -> Reply:
    """Answer `GET /v1/customers/{id}`."""
    return Reply(body=expanded(call, render(_named(call))))


def list_(call: Call) -> Reply:
    """Return a page of customers, newest first, of one email address where asked; without the well-known one."""
    return Reply(body=list_page(call, Customer, render, url="/v1/customers"))


def _named(call: Call) -> Customer:
    customer = find_customer(call, call.path["customer"])
    if customer is None:
        raise resource_missing("customer", call.path["customer"], param="id")
    return customer


def _changed(call: Call, before: Customer) -> Customer:
    params = call.params
    return replace(
        before,
        metadata=params.metadata().apply(before.metadata),
        address=params.object_or("address", before.address),
        business_name=params.text_or("business_name", before.business_name),
        description=params.text_or("description", before.description),
        email=params.text_or("email", before.email),
        individual_name=params.text_or("individual_name", before.individual_name),
        name=params.text_or("name", before.name),
        phone=params.text_or("phone", before.phone),
        preferred_locales=params.texts("preferred_locales") or before.preferred_locales,
        shipping=params.object_or("shipping", before.shipping),
        tax_exempt=params.text_or("tax_exempt", before.tax_exempt) or NOT_EXEMPT,
    )


OPERATIONS = (
    ApiOperation(
        method="POST",
        path="/v1/customers",
        accepts=spec(*_SHARED, *unmodelled("payment_method", "tax_id_data", "test_clock")),
        run=create,
    ),
    ApiOperation(
        method="GET",
        path="/v1/customers",
        accepts=spec(*PAGE_PARAMS, text("email", max_length=512), *unmodelled("test_clock")),
        run=list_,
    ),
    ApiOperation(method="GET", path="/v1/customers/{customer}", accepts=spec(), run=retrieve),
    ApiOperation(
        method="POST",
        path="/v1/customers/{customer}",
        accepts=spec(*_SHARED, *unmodelled("default_source")),
        run=update,
    ),
)
