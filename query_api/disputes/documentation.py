"""What OpenAPI says of the list of disputes beyond its signature."""

from query_api import documentation
from query_api.payments.documentation import ERRORS
from schemas.http.disputes import DisputePage

DOCUMENTED = documentation.documented(DisputePage, ERRORS)
