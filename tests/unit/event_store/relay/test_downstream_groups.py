"""How the groups of other teams are named."""

import pytest

from event_store.relay.downstream import DownstreamGroup, parse_groups
from schemas.topics import PAYMENT, SPLIT_PAYMENT


def test_a_group_follows_payments_unless_it_says_otherwise() -> None:
    assert parse_groups(f" shipping, accounting = {SPLIT_PAYMENT} ,,accounting") == (
        DownstreamGroup(group="shipping", topic=PAYMENT),
        DownstreamGroup(group="accounting", topic=SPLIT_PAYMENT),
        DownstreamGroup(group="accounting", topic=PAYMENT),
    )
    assert parse_groups("") == ()


@pytest.mark.parametrize(
    "text", ["=", "shipping=", "=paystream.payment", "shipping=orders", "a,a", "a,a=paystream.payment"]
)
def test_what_names_no_group_and_topic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="group"):
        parse_groups(text)
