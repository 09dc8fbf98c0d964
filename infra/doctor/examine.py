"""Checks a whole deployment."""

from infra.doctor.check import Check, run_all
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Finding
from infra.doctor.kafka.checks import kafka_checks
from infra.doctor.postgres.checks import postgres_checks
from infra.doctor.postgres.poolers import pooler_checks
from infra.doctor.process_settings import settings_findings
from infra.doctor.production import production_findings
from infra.doctor.proofs import proof_findings
from infra.doctor.redis.checks import redis_checks
from infra.doctor.redis.redlock import redlock_checks
from infra.doctor.secrets import secrets_of, without_secrets
from infra.doctor.stripe.checks import stripe_checks
from infra.doctor.witnesses.checks import witness_checks


async def examine(deployment: Deployment) -> list[Finding]:
    """Return everything that was found, free of secrets. Takes at most about ten seconds."""
    checks: list[Check] = [
        *stripe_checks(deployment),
        *postgres_checks(deployment),
        *pooler_checks(deployment),
        *redis_checks(deployment),
        *redlock_checks(deployment),
        *kafka_checks(deployment),
        *witness_checks(deployment),
    ]
    found = [*await run_all(checks), *proof_findings(deployment), *production_findings(deployment)]
    findings = [*settings_findings(deployment), *found]
    return without_secrets(findings, secrets_of(deployment))
