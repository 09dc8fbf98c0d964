"""What OpenAPI says of the command API as a whole."""

from infra.http.openapi import ApiDescription
from schemas.http.access import CreateApiKeyBody, CreateMerchantBody, RotateApiKeyBody
from schemas.http.dead_letters import ReplayDeadLetterBody, ReplayDeadLettersBody
from schemas.http.exports import RecordExportBody
from schemas.http.operations import AssignBody, GiveUpBody, ReasonBody
from schemas.http.payments import (
    CancelPaymentBody,
    CapturePaymentBody,
    ConfirmPaymentBody,
    CreatePaymentBody,
    RefundPaymentBody,
)
from schemas.http.privacy import ErasureBody, UserExportBody
from schemas.http.problems import ProblemBody
from schemas.http.reconciliations import RequestReconciliationBody
from schemas.http.split_payments import CancelSplitPaymentBody, CreateSplitPaymentBody, RefundSplitPaymentBody
from schemas.http.staff import RecoveryCodeBody, SignInBody
from schemas.http.webhook_endpoints import (
    CreateWebhookEndpointBody,
    ReplayWebhooksBody,
    RotateSecretBody,
    UpdateWebhookEndpointBody,
)
from schemas.http.webhook_messages import WebhookMessage

_TEXT = """
The write side of Paystream: commands on payments. Every command is recorded before it is answered, and carried out at
Stripe afterwards; the query API tells what became of it, or send `Prefer: wait`.

**Idempotency.** Send an `Idempotency-Key` of your own with every command and repeat the request with the same key until
you have an answer: it is carried out once. A repeat gets the stored answer, byte for byte, with
`Idempotent-Replayed: true`. The same key with another body, path or method is refused (422,
`idempotency_key_reused`), and while the first request is being carried out a repeat gets 409
(`idempotency_key_in_use`) with `Retry-After`. Keys belong to the merchant. A command that was refused, or that changed
nothing, leaves its key free.

**Waiting.** `Prefer: wait=N` (RFC 7240) holds the answer until Stripe's outcome is known or N seconds have passed, and
the answer says `Preference-Applied`. A repeat that carries it waits likewise and gets the *present* state; one without
it gets the stored answer.

**Limits.** Each API key may make so many requests of each class of routes. Answers say where it stands (`RateLimit`,
`RateLimit-Policy`); beyond, it is 429 `rate_limited` with `Retry-After`, and nothing was done.

**Card numbers** are refused wherever they stand. Send the id of a Stripe payment method.
"""

API = ApiDescription(
    title="Paystream command API",
    text=_TEXT,
    models=(
        RecordExportBody,
        ErasureBody,
        UserExportBody,
        CreatePaymentBody,
        ConfirmPaymentBody,
        CapturePaymentBody,
        CancelPaymentBody,
        RefundPaymentBody,
        CreateSplitPaymentBody,
        CancelSplitPaymentBody,
        RefundSplitPaymentBody,
        RequestReconciliationBody,
        CreateWebhookEndpointBody,
        UpdateWebhookEndpointBody,
        RotateSecretBody,
        ReplayWebhooksBody,
        ReasonBody,
        GiveUpBody,
        AssignBody,
        ReplayDeadLetterBody,
        ReplayDeadLettersBody,
        SignInBody,
        RecoveryCodeBody,
        CreateMerchantBody,
        CreateApiKeyBody,
        RotateApiKeyBody,
        ProblemBody,
        WebhookMessage,
    ),
    tags={
        "payments": "Commands on payments.",
        "split payments": "Commands on purchases that several payments pay, all or nothing.",
        "payouts": "What a payout pays: for finance.",
        "privacy": "Erasing the personal data of a user, and handing it out: for operators.",
        "exports": "Files that staff takes away: each is recorded.",
        "reconciliations": "Comparing a day's ledger with Stripe once more: for finance.",
        "discrepancies": "What people decide about differences between Stripe and the ledger.",
        "system": "How far each part is, and what cannot come to an end by itself: for the operator.",
        "access": "Merchants, their API keys, and the limits that are in force: for the operator.",
        "staff": "Who signed in to the back office, and recovery codes: for the back office.",
        "webhooks": "What Stripe tells us.",
        "webhook endpoints": "Where merchants want the events of their payments, and what was delivered there.",
    },
    local_url="http://localhost:8000",
)
"""What the document says beyond the routes."""
