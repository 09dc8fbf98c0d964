"""Finds at Stripe what a call made whose answer is not known: by our id in the metadata of its object."""

import time

from consumers.gateway.decision import requesting_event, unknown_since
from consumers.gateway.job import Job
from consumers.gateway.plan import KEY_LIFE_S, LookUp, may_be_sent_for_s, searchable_after_s, was_sent_lately
from consumers.stripe.client import JsonObject
from consumers.stripe.payments import Stripe
from domain.payment.events import PaymentEvent, PaymentRequested, RefundRequested
from domain.payment.state import PaymentState

# Clocks differ: ours, the database's, Stripe's.
_CLOCKS_S = 600.0
_LISTED_CLOCKS_S = 60.0
"""The same for what is listed within seconds: the more time is listed, the more pages there are."""


class LookUps:
    """Methods raise what `Stripe` raises: LeaseExpired too, when a list takes longer than the lease."""

    def __init__(self, stripe: Stripe, *, lease_s: float) -> None:
        """`lease_s`: see `searchable_after_s`."""
        self._stripe = stripe
        self._searchable_after_s = searchable_after_s(lease_s)

    async def find(self, job: Job, requested: PaymentEvent, payment: PaymentState, step: LookUp) -> JsonObject | None:
        """Return the refund or the intent that the call made or changed, as it is now."""
        task = job.task
        if payment.intent_id is None:
            return await self._find_unknown_intent(job, requested, step)
        if isinstance(requested, RefundRequested):
            return await self._stripe.find_refund(intent_id=payment.intent_id, refund_id=requested.refund_id)
        return await self._stripe.find_intent(intent_id=payment.intent_id, payment_id=task.payment_id)

    async def _find_unknown_intent(self, job: Job, requested: PaymentEvent, step: LookUp) -> JsonObject | None:
        """Find the intent that a creation may have made.

        The list shows all that was made before Stripe answered. The search may lag behind, so a payment that it hides
        must not be called failed, or canceled; but of what was sent long ago, nobody knows when, the list is long.
        """
        task, now = job.task, time.time()
        first = min(now - task.age_s, _recorded_at(job) or now)
        unknown_for = unknown_for_s(job)
        if unknown_for is not None and was_sent_lately(now - first, unknown_for):
            return await self._stripe.list_intent(
                task.payment_id,
                created_from=first - _LISTED_CLOCKS_S,
                created_to=now - unknown_for + _LISTED_CLOCKS_S,
                not_after=job.lease_ends_at,
            )
        if now - first < self._searchable_after_s:
            return await self._list_since(job, first)
        found = await self._stripe.find_intent(intent_id=None, payment_id=task.payment_id)
        if found is not None or not step.is_final:
            return found
        if step.expired:
            is_searchable = now - _sent_until(requested, first) >= self._searchable_after_s
            return None if is_searchable else await self._list_since(job, now - self._searchable_after_s)
        return await self._list_a_whole_life(job, now - task.age_s, first)

    async def find_appeared(self, job: Job, payment: PaymentState, *, is_final: bool) -> JsonObject | None:
        """Return the intent of a payment that was called failed, if Stripe shows it after all.

        `is_final`: it is the last time that it is looked for.
        """
        payment_id, now, requested_at = job.task.payment_id, time.time(), job.requested_at
        for intent_id in payment.intents_undone:
            return await self._stripe.find_intent(intent_id=intent_id, payment_id=payment_id)
        if now - requested_at < self._searchable_after_s:
            return await self._list_since(job, requested_at)
        found = await self._stripe.find_intent(intent_id=None, payment_id=payment_id)
        if found is not None or not is_final:
            return found
        return await self._list_a_whole_life(job, requested_at, requested_at)

    async def _list_since(self, job: Job, first: float) -> JsonObject | None:
        return await self._stripe.list_intent(
            job.task.payment_id,
            created_from=first - _LISTED_CLOCKS_S,
            created_to=time.time() + _LISTED_CLOCKS_S,
            not_after=job.lease_ends_at,
        )

    async def _list_a_whole_life(self, job: Job, sent_at: float, first: float) -> JsonObject | None:
        return await self._stripe.list_intent(
            job.task.payment_id,
            created_from=first - _CLOCKS_S,
            created_to=sent_at + KEY_LIFE_S + _CLOCKS_S,
            not_after=job.lease_ends_at,
        )


def _sent_until(requested: PaymentEvent, requested_at: float) -> float:
    """Return until when it may have been sent, in Unix seconds, whatever is known of that."""
    may_be_sent_for = may_be_sent_for_s(requested) if isinstance(requested, PaymentRequested) else float("inf")
    return requested_at + may_be_sent_for


def _recorded_at(job: Job) -> float | None:
    """Return when the requesting event was recorded, in Unix seconds."""
    recorded = requesting_event(job.task, job.payment)
    return None if recorded is None else recorded.recorded_at.timestamp()


def unknown_for_s(job: Job) -> float | None:
    """Return how long the outcome of the call was unknown; None: it is not recorded that it is."""
    since = unknown_since(job.task, job.payment)
    return None if since is None else max(0.0, time.time() - since.timestamp())
