"""Deployments and answers for the tests of the doctor."""

import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from infra.doctor.deployment import Deployment, Process
from infra.doctor.finding import Finding, Status
from infra.doctor.stripe.api import Answer
from infra.settings.kafka import KafkaSettings
from infra.settings.process import ProcessSettings
from infra.settings.stripe import StripeSettings, StripeWebhookSettings

ACCOUNT = {"id": "acct_1", "country": "NL", "default_currency": "eur", "charges_enabled": True}


def deployment(settings: type[ProcessSettings], *names: str, **variables: str) -> Deployment:
    """Processes that have the same environment."""
    return Deployment(
        processes=tuple(
            Process(name=name, settings=settings, variables={key.upper(): value for key, value in variables.items()})
            for name in names or ("process",)
        )
    )


def stripe_settings(key: str = "sk_test_1", **settings: object) -> StripeSettings:
    return StripeSettings.model_validate({"stripe_secret_key": key, **settings})


def webhook_settings(*secrets: str, **settings: object) -> StripeWebhookSettings:
    return StripeWebhookSettings.model_validate(
        {"stripe_secret_key": "sk_test_1", "stripe_webhook_secret": ",".join(secrets), **settings}
    )


def kafka_settings(**settings: object) -> KafkaSettings:
    return KafkaSettings.model_validate({"kafka_bootstrap_servers": "kafka.example:9092", **settings})


def answer(
    status: int = 200, body: Mapping[str, Any] = ACCOUNT, *, seconds: float = 0.1, ahead_s: float = 0.0, **headers: str
) -> Answer:
    """An answer of Stripe, to a machine whose clock is ahead of Stripe's by so many seconds."""
    now = time.time()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status=status,
        body=body,
        headers={"date": formatdate(now - ahead_s, usegmt=True), **given},
        seconds=seconds,
        received_at=now,
    )


def statuses(findings: list[Finding]) -> dict[str, Status]:
    """What was found of each subject."""
    return {each.subject: each.status for each in findings}
