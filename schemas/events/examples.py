"""An example of every event that is written today, for the published documents."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from domain.access import events as access
from domain.ids import (
    ApiKeyId,
    AttemptId,
    BalanceSourceId,
    BalanceTransactionId,
    DisputeId,
    ErasureId,
    EventId,
    ExportId,
    KeyId,
    MerchantId,
    PaymentId,
    PayoutId,
    RefundId,
    RequestId,
    RunId,
    SplitPaymentId,
    StripeChargeId,
    StripeEventId,
    StripeIntentId,
    StripeObjectId,
    StripeRefundId,
    UserId,
    WebhookEndpointId,
)
from domain.money import Money
from domain.payment import events as payment
from domain.payment.events import PaymentEvent
from domain.payment.values import CancellationReason, CaptureMethod, PaymentStatus, RefundReason
from domain.personal_data import PersonalDataErased
from domain.privacy import KeyDestroyed, RowsExported, UserErased, UserExported
from domain.reconciliation import events as reconciliation
from domain.reconciliation import values
from domain.split_payment import events as split
from domain.split_payment.values import CompensationReason, LegStatus, RefundPartStatus
from domain.stripe_balance import PayoutChanged, PayoutStatus, TransactionRecorded
from domain.webhook_endpoint import DisabledBecause, WebhookEndpointDisabled
from schemas.events.stripe_events import StripeEventReceived

PAYMENT_ID = PaymentId(UUID("019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"))
REFUND_ID = RefundId(UUID("019ab3c4-6e7f-7091-8b2c-3d4e5f607182"))
EVENT_ID = EventId(UUID("019ab3c4-7f80-7192-9c3d-4e5f60718293"))
SPLIT_PAYMENT_ID = SplitPaymentId(UUID("019ab3c4-91a2-7b45-8e5f-708192a3b4c5"))
WEBHOOK_ENDPOINT_ID = WebhookEndpointId(UUID("019ab3c4-b3c4-7d67-8071-92a3b4c5d6e7"))
REQUEST_ID = RequestId(UUID("019ab3c4-8091-72a3-8d4e-5f6071829304"))
WHOLE = Money(amount_cents=1000, currency="USD")
PART = Money(amount_cents=500, currency="USD")
INTENT, CHARGE = StripeIntentId("pi_3PXample"), StripeChargeId("ch_3PXample")
REFUND, DISPUTE = StripeRefundId("re_3PXample"), DisputeId("du_1PXample")
DECLINED = "Your card was declined."

ERASURE_ID = ErasureId(UUID("019ab3c4-b3c4-7d67-8071-92a3b4c5d6e7"))
ERASED = PersonalDataErased(erasure_id=ERASURE_ID, fields=("/description", "/metadata/email"))

PAYMENT_EXAMPLES: Mapping[str, PaymentEvent] = {
    "payment.requested": payment.PaymentRequested(
        payment_id=PAYMENT_ID,
        merchant_id=MerchantId("merchant_dev"),
        user_id=UserId("test_user_123"),
        amount=WHOLE,
        payment_method="pm_card_visa",
        confirm=True,
        capture_method=CaptureMethod.AUTOMATIC,
        description=None,
        metadata={"order": "A-1001"},
        idempotency_key="order-1001",
        expires_in_seconds=86400,
    ),
    "payment.intent_created": payment.PaymentIntentCreated(intent_id=INTENT, status=PaymentStatus.SUCCEEDED),
    "payment.confirmation_requested": payment.PaymentConfirmationRequested(payment_method="pm_card_visa"),
    "payment.action_required": payment.PaymentActionRequired(
        action_type="redirect_to_url", redirect_url="https://bank.example/authenticate"
    ),
    "payment.processing": payment.PaymentProcessing(),
    "payment.authorized": payment.PaymentAuthorized(amount=WHOLE, charge_id=CHARGE, capture_before=1_780_000_000),
    "payment.capture_requested": payment.PaymentCaptureRequested(
        request_id=REQUEST_ID, amount=WHOLE, reason="The parcel was sent"
    ),
    "payment.capture_failed": payment.PaymentCaptureFailed(
        request_id=REQUEST_ID, code="charge_expired_for_capture", message="The hold has ended."
    ),
    "payment.succeeded": payment.PaymentSucceeded(amount_captured=WHOLE, charge_id=CHARGE),
    "payment.attempt_failed": payment.PaymentAttemptFailed(
        attempt_id=AttemptId(CHARGE), code="card_declined", decline_code="insufficient_funds", message=DECLINED
    ),
    "payment.failed": payment.PaymentFailed(
        code="resource_missing", decline_code=None, message="No such PaymentMethod: 'pm_none'"
    ),
    "payment.cancel_requested": payment.PaymentCancelRequested(request_id=REQUEST_ID, reason="requested_by_customer"),
    "payment.cancel_failed": payment.PaymentCancelFailed(
        request_id=REQUEST_ID, code="payment_intent_unexpected_state", message="The payment has succeeded."
    ),
    "payment.canceled": payment.PaymentCanceled(reason="requested_by_customer"),
    "payment.refund_requested": payment.RefundRequested(
        refund_id=REFUND_ID, amount=PART, reason=RefundReason.REQUESTED_BY_CUSTOMER
    ),
    "payment.refund_pending": payment.RefundPending(refund_id=REFUND_ID, stripe_refund_id=REFUND),
    "payment.refund_succeeded": payment.RefundSucceeded(refund_id=REFUND_ID, stripe_refund_id=REFUND),
    "payment.refund_failed": payment.RefundFailed(
        refund_id=REFUND_ID, stripe_refund_id=REFUND, code="expired_or_canceled_card", message="The card is closed."
    ),
    "payment.refund_found": payment.RefundFound(
        refund_id=REFUND_ID, stripe_refund_id=REFUND, amount=PART, reason=RefundReason.DUPLICATE
    ),
    "payment.dispute_opened": payment.DisputeOpened(
        dispute_id=DISPUTE,
        charge_id=CHARGE,
        amount=WHOLE,
        reason="fraudulent",
        status="needs_response",
        evidence_due_by=1_780_600_000,
    ),
    "payment.dispute_updated": payment.DisputeUpdated(
        dispute_id=DISPUTE, status="under_review", evidence_due_by=1_780_600_000
    ),
    "payment.dispute_funds_withdrawn": payment.DisputeFundsWithdrawn(dispute_id=DISPUTE, amount=WHOLE),
    "payment.dispute_funds_reinstated": payment.DisputeFundsReinstated(dispute_id=DISPUTE, amount=WHOLE),
    "payment.dispute_closed": payment.DisputeClosed(dispute_id=DISPUTE, status="won"),
    "payment.task_outcome_unknown": payment.TaskOutcomeUnknown(
        event_id=EVENT_ID, operation="refund", reason="Stripe answered with a failure of its own"
    ),
    "payment.task_retried": payment.TaskRetried(
        event_id=EVENT_ID, operation="refund", actor="operator@shop.example", reason="Stripe is well again"
    ),
    "payment.task_given_up": payment.TaskGivenUp(
        event_id=EVENT_ID, operation="refund", actor="operator@shop.example", reason="refunded by hand"
    ),
    "payment.contradicted": payment.PaymentContradicted(
        object_id=StripeObjectId(INTENT),
        status="succeeded",
        reason="Stripe charged a payment that is canceled here",
        amount=WHOLE,
        charge_id=CHARGE,
        refund_id=None,
    ),
    "payment.contradiction_resolved": payment.PaymentContradictionResolved(
        object_id=StripeObjectId(INTENT),
        status="succeeded",
        actor="operator@shop.example",
        reason="the customer has the goods",
    ),
    "payment.task_undone": payment.TaskUndone(
        event_id=EVENT_ID,
        intent_id=INTENT,
        how="refunded",
        amount=WHOLE,
        charge_id=CHARGE,
        refunds=(payment.UndoneRefund(stripe_refund_id=REFUND, amount=WHOLE),),
    ),
    "payment.personal_data_erased": ERASED,
}
"""By the type's name."""

RUN_ID = RunId(UUID("0b9a7e52-3a55-5d6b-9a57-3f6f3c1f7a10"))
DAY = date(2026, 5, 1)
DIFFERENCE = values.Difference(
    kind=values.DifferenceKind.MISSING_HERE,
    source_id=BalanceSourceId(CHARGE),
    category="charge",
    date=DAY,
    stripe=values.Entry(amount=1000, currency="USD", fee=59, at=1_777_630_000),
    ledger=None,
    transaction_ids=(BalanceTransactionId("txn_1PXample"),),
    payment_id=PAYMENT_ID,
)
TOTALS = values.CurrencyTotals(
    currency="USD",
    stripe_rows=12,
    stripe_amount=120_000,
    stripe_fee=4080,
    ledger_rows=11,
    ledger_amount=119_000,
    ledger_fee=4021,
)

ACCOUNT_EXAMPLES: Mapping[str, Any] = {
    "stripe_event.received": StripeEventReceived(
        stripe_event_id=StripeEventId("evt_1PXample"),
        type="payment_intent.succeeded",
        account=None,
        livemode=False,
        created=1_777_630_000,
        api_version="2026-03-25",
        object_id=StripeObjectId(INTENT),
        payload={"id": "evt_1PXample", "object": "event", "type": "payment_intent.succeeded"},
    ),
    "stripe_balance.transaction_recorded": TransactionRecorded(
        transaction_id=BalanceTransactionId("txn_1PXample"),
        type="charge",
        reporting_category="charge",
        amount=1000,
        fee=59,
        net=941,
        currency="USD",
        source_id=BalanceSourceId(CHARGE),
        exchange_rate=None,
        description=None,
        created=1_777_630_000,
        available_on=1_777_800_000,
    ),
    "stripe_balance.payout_changed": PayoutChanged(
        payout_id=PayoutId("po_1PXample"),
        amount=94_100,
        currency="USD",
        status=PayoutStatus.PAID,
        automatic=True,
        arrival_date=1_777_900_000,
        failure_code=None,
        created=1_777_800_000,
    ),
    "reconciliation.requested": reconciliation.ReconciliationRequested(
        run_id=RUN_ID, number=1, date=DAY, time_zone="UTC", origin="schedule", actor="reconciliation"
    ),
    "reconciliation.started": reconciliation.ReconciliationStarted(run_id=RUN_ID, number=1, attempt=1, head=4711),
    "reconciliation.completed": reconciliation.ReconciliationCompleted(
        run_id=RUN_ID,
        number=1,
        date=DAY,
        totals=(TOTALS,),
        found={"missing_here": 1},
        opened=1,
        backfilled=1,
        payouts=1,
    ),
    "reconciliation.failed": reconciliation.ReconciliationFailed(
        run_id=RUN_ID, number=1, attempt=1, reason="Stripe does not answer", final=False
    ),
    "discrepancy.opened": reconciliation.DiscrepancyOpened(
        discrepancy_id=DIFFERENCE.discrepancy_id, run_id=RUN_ID, number=1, difference=DIFFERENCE
    ),
    "discrepancy.assigned": reconciliation.DiscrepancyAssigned(
        discrepancy_id=DIFFERENCE.discrepancy_id, assignee="bo", actor="finance@shop.example", reason="knows the bank"
    ),
    "discrepancy.explained": reconciliation.DiscrepancyExplained(
        discrepancy_id=DIFFERENCE.discrepancy_id, actor="finance@shop.example", reason="made in the dashboard"
    ),
    "discrepancy.resolved": reconciliation.DiscrepancyResolved(
        discrepancy_id=DIFFERENCE.discrepancy_id, actor="reconciliation", reason="gone", run_id=RUN_ID, number=2
    ),
    "discrepancy.reopened": reconciliation.DiscrepancyReopened(
        discrepancy_id=DIFFERENCE.discrepancy_id, run_id=RUN_ID, number=3, difference=DIFFERENCE
    ),
    "webhook_endpoint.disabled": WebhookEndpointDisabled(
        endpoint_id=WEBHOOK_ENDPOINT_ID,
        because=DisabledBecause.FAILING,
        failing_since=1_777_200_000,
        failures=118,
    ),
}
"""What is not one payment's, by the type's name."""

SECOND_LEG_ID = PaymentId(UUID("019ab3c4-a2b3-7c56-8f60-8192a3b4c5d6"))
_EXPIRES_AT = 1_780_000_600
_NOTHING = Money.zero("USD")

SPLIT_PAYMENT_EXAMPLES: Mapping[str, Any] = {
    "split_payment.requested": split.SplitPaymentRequested(
        split_payment_id=SPLIT_PAYMENT_ID,
        merchant_id=MerchantId("merchant_dev"),
        user_id=UserId("test_user_123"),
        amount=WHOLE,
        legs=tuple(
            split.RequestedLeg(
                payment_id=payment_id, user_id=UserId(user_id), amount=PART, payment_method="pm_card_visa", metadata={}
            )
            for payment_id, user_id in ((PAYMENT_ID, "test_user_123"), (SECOND_LEG_ID, "test_user_456"))
        ),
        metadata={"order": "A-1001"},
        idempotency_key="order-1001",
        expires_at=_EXPIRES_AT,
    ),
    "split_payment.leg_changed": split.LegChanged(
        payment_id=PAYMENT_ID,
        status=LegStatus.AUTHORIZED,
        captured=_NOTHING,
        refunded_elsewhere=_NOTHING,
        capture_before=1_780_600_000,
        code=None,
        message=None,
    ),
    "split_payment.cancel_requested": split.SplitPaymentCancelRequested(
        reason=CancellationReason.REQUESTED_BY_CUSTOMER
    ),
    "split_payment.capture_started": split.CaptureStarted(),
    "split_payment.completed": split.SplitPaymentCompleted(),
    "split_payment.compensation_started": split.CompensationStarted(
        reason=CompensationReason.EXPIRED, payment_id=None, code=None, message=None, stuck_at=_EXPIRES_AT + 3600
    ),
    "split_payment.compensation_failed": split.CompensationFailed(
        payment_id=PAYMENT_ID,
        request_id=REFUND_ID,
        attempt=1,
        code="lost_or_stolen_card",
        message="The refund failed.",
        retry_at=_EXPIRES_AT + 5,
    ),
    "split_payment.compensation_stuck": split.CompensationStuck(payment_ids=(PAYMENT_ID,)),
    "split_payment.compensation_retried": split.CompensationRetried(
        actor="ops@shop.example", reason="the bank has put it right", stuck_at=_EXPIRES_AT + 7200
    ),
    "split_payment.compensated": split.SplitPaymentCompensated(),
    "split_payment.given_up": split.SplitPaymentGivenUp(
        actor="ops@shop.example", reason="paid back by bank transfer", payment_ids=(PAYMENT_ID,)
    ),
    "split_payment.refund_requested": split.SplitRefundRequested(
        refund_id=REFUND_ID,
        amount=PART,
        reason=RefundReason.REQUESTED_BY_CUSTOMER,
        parts=(split.RequestedPart(payment_id=PAYMENT_ID, refund_id=REFUND_ID, amount=PART),),
    ),
    "split_payment.refund_part_changed": split.RefundPartChanged(
        refund_id=REFUND_ID, payment_id=PAYMENT_ID, status=RefundPartStatus.SUCCEEDED, code=None, message=None
    ),
    "split_payment.personal_data_erased": PersonalDataErased(
        erasure_id=ERASURE_ID, fields=("/metadata/email", "/legs/0/metadata/name")
    ),
}

KEY_ID = KeyId(UUID("019ab3c4-c4d5-7e89-8192-a3b4c5d6e7f8"))
_OFFICER, _LETTER = "privacy@shop.example", "requested by letter, case 4711"

PRIVACY_EXAMPLES: Mapping[str, Any] = {
    "privacy.key_destroyed": KeyDestroyed(key_id=KEY_ID, erasure_id=ERASURE_ID),
    "privacy.user_erased": UserErased(
        erasure_id=ERASURE_ID,
        merchant_id=MerchantId("merchant_dev"),
        user_id=UserId("test_user_123"),
        actor=_OFFICER,
        reason=_LETTER,
        keys=(KEY_ID,),
        payments=1,
        in_clear=0,
        webhook_answers=4,
    ),
    "privacy.user_exported": UserExported(
        merchant_id=MerchantId("merchant_dev"),
        user_id=UserId("test_user_123"),
        actor=_OFFICER,
        reason=_LETTER,
        events=7,
    ),
    "privacy.rows_exported": RowsExported(
        export_id=ExportId(UUID("019ab3c4-d5e6-7f89-b293-b4c5d6e7f809")),
        merchant_id=MerchantId("merchant_dev"),
        what="payments",
        format="csv",
        filters={"status": "succeeded", "created_after": "2026-04-30T23:59:59.999999+00:00"},
        actor="api:back-office/anna",
    ),
}

API_KEY_ID = ApiKeyId(UUID("019ab3c4-b3c4-7d67-9071-92a3b4c5d6e7"))
SECOND_API_KEY_ID = ApiKeyId(UUID("019ab3c4-c4d5-7e78-a182-a3b4c5d6e7f8"))

ACCESS_EXAMPLES: Mapping[str, Any] = {
    "access.merchant_created": access.MerchantCreated(
        merchant_id=MerchantId("merchant_dev"), name="A shop", actor="ops@shop.example", reason="contract 17"
    ),
    "access.key_created": access.ApiKeyCreated(
        key_id=API_KEY_ID,
        prefix="psk_live_Ab12Cd34",
        merchant_id=MerchantId("merchant_dev"),
        scopes=("payments:read", "payments:write"),
        created_at=1_780_000_000,
        expires_at=None,
        actor="ops@shop.example",
        reason="the checkout",
    ),
    "access.key_rotated": access.ApiKeyRotated(
        key_id=API_KEY_ID,
        replaced_by=SECOND_API_KEY_ID,
        expires_at=1_780_086_400,
        actor="ops@shop.example",
        reason="once a year",
    ),
    "access.key_revoked": access.ApiKeyRevoked(key_id=API_KEY_ID, actor="ops@shop.example", reason="found in a log"),
    "access.staff_signed_in": access.StaffSignedIn(
        name="olga", role="operator", second_factor="totp", actor="api:back-office/olga"
    ),
    "access.recovery_codes_made": access.RecoveryCodesMade(
        name="olga", codes=10, actor="operator:root", reason="her phone was stolen"
    ),
    "access.recovery_code_used": access.RecoveryCodeUsed(name="olga", number=3, left=9, actor="api:back-office/olga"),
    "access.staff_locked": access.StaffLocked(
        name="anna", actor="api:back-office/olga", reason="her laptop was stolen"
    ),
    "access.staff_unlocked": access.StaffUnlocked(
        name="anna", actor="api:back-office/olga", reason="she has a new password"
    ),
    "access.staff_sessions_ended": access.StaffSessionsEnded(
        name="anna", actor="api:back-office/olga", reason="she left a browser open"
    ),
}

EXAMPLES: Mapping[str, Any] = {
    **PAYMENT_EXAMPLES,
    **ACCOUNT_EXAMPLES,
    **SPLIT_PAYMENT_EXAMPLES,
    **PRIVACY_EXAMPLES,
    **ACCESS_EXAMPLES,
}
"""Of every type in its newest version, by its name."""
