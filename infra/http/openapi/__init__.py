"""The OpenAPI document of an API: what FastAPI makes of the routes, finished into what is published.

Sources: https://spec.openapis.org/oas/v3.1.0 and, for `x-enum-varnames`,
https://openapi-generator.tech/docs/templating/#enum
"""

from infra.http.openapi.errors import PROBLEM, RATE_LIMITED, described_errors, reference
from infra.http.openapi.finish import ApiDescription, describe

__all__ = ["PROBLEM", "RATE_LIMITED", "ApiDescription", "describe", "described_errors", "reference"]
