"""The sagas there are."""

from typing import Any

from consumers.saga.definition import SagaDefinition
from consumers.split_payments.saga import SPLIT_PAYMENTS

SAGAS: tuple[SagaDefinition[Any, Any, Any, Any], ...] = (SPLIT_PAYMENTS,)
