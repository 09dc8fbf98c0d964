"""What is read of the log, as JSON."""

from base64 import b64encode
from datetime import datetime

from projections.audit.erasures import Erasure
from projections.audit.seals import MOST_COUNTED, SealedUpTo, Seals
from projections.audit.staff_log import StaffAction
from query_api.responses import Json
from schemas.http.times import timestamp


def seals(found: Seals) -> Json:
    """Return the members of `SealsView`."""
    return {
        "checkpoint": None if found.newest is None else _checkpoint(found.newest),
        "unsealed": min(found.unsealed, MOST_COUNTED),
        "unsealed_has_more": found.unsealed > MOST_COUNTED,
        "unsealed_since": _moment(found.unsealed_since),
        "witnesses": [
            {
                "name": each.name,
                "key": each.key,
                "required": each.required,
                "size": each.size,
                "signed_at": _moment(each.signed_at),
            }
            for each in found.witnesses
        ],
        "witnesses_needed": found.needed,
        "witnessed": found.witnessed,
    }


def action(found: StaffAction) -> Json:
    """Return the members of `StaffActionView`."""
    return {
        "position": found.position,
        "at": timestamp(found.at),
        "name": found.name,
        "actor": found.actor,
        "type": found.type,
        "category": found.category,
        "stream_id": found.stream_id,
        "merchant_id": found.merchant_id,
        "reason": found.reason,
    }


def erasure(found: Erasure) -> Json:
    """Return the members of `ErasureView`."""
    return {
        "id": found.erasure_id,
        "at": timestamp(found.at),
        "merchant_id": found.merchant_id,
        "user_id": found.user_id,
        "actor": found.actor,
        "reason": found.reason,
        "keys": found.keys,
        "payments": found.payments,
        "in_clear": found.in_clear,
        "webhook_answers": found.webhook_answers,
        "event_id": found.event_id,
        "position": found.position,
    }


def _checkpoint(sealed: SealedUpTo) -> Json:
    checkpoint = sealed.checkpoint
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": b64encode(checkpoint.root).decode(),
        "last_position": sealed.last_position,
        "sealed_at": timestamp(sealed.sealed_at),
        "note": sealed.note,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
