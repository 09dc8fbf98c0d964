"""One home, now with one broker and now with the other: each finds its own memory or none, and is filled up."""

from pathlib import Path

import pytest

from infra.embedded.connections import BrokerKind
from tests.support.payment_load import Customers, Made, assert_stripe_agrees
from tests.support.system import running_system

pytestmark = [pytest.mark.chaos, pytest.mark.apache_kafka, pytest.mark.timeout(240), pytest.mark.own_system]


async def test_a_home_may_change_its_broker_and_change_back(tmp_path: Path) -> None:
    made: list[Made] = []
    brokers: tuple[BrokerKind, ...] = ("apache", "embedded", "apache")
    for broker in brokers:
        async with running_system(tmp_path, broker=broker) as system:
            customers = Customers(system=system)
            await customers.run(15)
            made += customers.made
            await assert_stripe_agrees(system, made)
