"""The types of ids: one each, so that a refund's id cannot be passed for a payment's.

Ours are UUIDs. Stripe's are strings with a prefix that Stripe chose. An id takes its type where it enters: where a
request is read, an event is decoded, a row is loaded, or an object of Stripe is translated.
"""

from typing import NewType
from uuid import UUID

# --- ours ---

PaymentId = NewType("PaymentId", UUID)
"""Of a payment, and of its stream in the log."""

RefundId = NewType("RefundId", UUID)

SplitPaymentId = NewType("SplitPaymentId", UUID)
"""Of a split payment, and of its stream in the log."""

RequestId = NewType("RequestId", UUID)
"""Of one request to capture or to cancel: a request that comes again has the same one."""

EventId = NewType("EventId", UUID)
"""Of an event in the log. A call of Stripe is known by the event that requested it."""

LogId = NewType("LogId", UUID)
"""Of a log: the same on its standbys, and in its backups and dumps."""

RunId = NewType("RunId", UUID)
"""Of a reconciliation, and of its stream in the log: all runs of a day have the same one."""

DiscrepancyId = NewType("DiscrepancyId", UUID)

ErasureId = NewType("ErasureId", UUID)
ExportId = NewType("ExportId", UUID)
"""Of one order to erase the personal data of a user."""

KeyId = NewType("KeyId", UUID)
"""Of the key that the personal data of one subject is encrypted with."""

ApiKeyId = NewType("ApiKeyId", UUID)
"""Of an API key, and of its stream in the log."""

WebhookEndpointId = NewType("WebhookEndpointId", UUID)
"""Of an endpoint that a merchant gets events at, and of its stream in the log."""

MerchantId = NewType("MerchantId", str)

UserId = NewType("UserId", str)
"""The merchant's own name for a customer."""

# --- Stripe's ---

StripeObjectId = NewType("StripeObjectId", str)
"""Of an object of any kind, where the kind does not matter."""

AttemptId = NewType("AttemptId", str)
"""Of one attempt to charge: the failed charge's id, or the id of our call where there is none."""
StripeIntentId = NewType("StripeIntentId", str)
"""``pi_...``"""

StripeChargeId = NewType("StripeChargeId", str)
"""``ch_...``, or ``py_...``"""

StripeRefundId = NewType("StripeRefundId", str)
"""``re_...``, or ``pyr_...``"""

DisputeId = NewType("DisputeId", str)
"""``du_...``, or ``dp_...``"""

PayoutId = NewType("PayoutId", str)
"""``po_...``"""

BalanceTransactionId = NewType("BalanceTransactionId", str)
"""``txn_...``"""

BalanceSourceId = NewType("BalanceSourceId", str)
"""Of what moved the money that a balance transaction tells of: a charge, a refund, a dispute, a payout, ..."""

StripeEventId = NewType("StripeEventId", str)
"""``evt_...``"""

CustomerId = NewType("CustomerId", str)
"""``cus_...``"""

PaymentMethodId = NewType("PaymentMethodId", str)
"""``pm_...``"""
