"""The picture of which event led to which."""

import re
from types import SimpleNamespace
from typing import Any, cast

from projections.audit.causes import causes_image
from projections.audit.history import Step

_A_CHARACTER = 7  # pixels, of 13 px letters


def a_step(**changes: Any) -> Step:
    fields = {"position": 1, "type": "payment.requested", "actor": "api:shop", "causation_id": None, "caused_by": None}
    return cast("Step", SimpleNamespace(**{**fields, **changes}))


def test_the_longest_name_of_a_cause_begins_within_the_picture() -> None:
    drawn = causes_image((a_step(actor="stripe-gateway", causation_id="3bf70dfa-0c1f-5e5e-9d61-3f1f1f7d9c11"),))
    found = re.search(r'<text x="([0-9]+)" y="[0-9]+" text-anchor="end">([^<]+)</text>', drawn)
    assert found is not None
    assert found[2] == "stripe-gateway: 3bf70dfa-0..."
    assert int(found[1]) >= len(found[2]) * _A_CHARACTER


def test_a_line_leads_from_an_event_to_what_it_led_to() -> None:
    drawn = causes_image((a_step(), a_step(position=2, type="payment.intent_created", caused_by=1)))
    assert drawn.count("<path") == 1
    assert "2 payment.intent_created" in drawn
