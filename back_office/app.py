"""Builds the application. What it works with is handed in, so that tests can hand in something else."""

from fastapi import FastAPI

from back_office.audit.routes import router as audit_routes
from back_office.customers.privacy_routes import router as privacy_routes
from back_office.customers.routes import router as customer_routes
from back_office.dead_letters.replay_routes import router as replay_routes
from back_office.dead_letters.routes import router as dead_letter_routes
from back_office.discrepancies.routes import router as discrepancy_routes
from back_office.disputes.routes import router as dispute_routes
from back_office.exports.routes import router as export_routes
from back_office.history.routes import router as history_routes
from back_office.ledger.routes import router as ledger_routes
from back_office.limits.routes import router as limit_routes
from back_office.merchants.key_routes import router as key_routes
from back_office.merchants.making_routes import router as making_routes
from back_office.merchants.routes import router as merchant_routes
from back_office.office import Office
from back_office.overview.routes import router as overview_routes
from back_office.payments.action_routes import router as action_routes
from back_office.payments.contradiction_routes import router as contradiction_routes
from back_office.payments.live import router as live_routes
from back_office.payments.routes import router as payment_routes
from back_office.payouts.routes import router as payout_routes
from back_office.reconciliations.routes import router as reconciliation_routes
from back_office.sagas.routes import router as saga_routes
from back_office.search.routes import router as search_routes
from back_office.staff.account_routes import router as account_routes
from back_office.staff.oidc.routes import router as sign_on_routes
from back_office.staff.recovery_routes import router as recovery_routes
from back_office.staff.routes import router as staff_routes
from back_office.staff.session_routes import router as session_routes
from back_office.static.routes import static_routes
from back_office.stripe_events.routes import router as stripe_event_routes
from back_office.system.routes import router as system_routes
from back_office.tasks.routes import router as task_routes
from back_office.views.routes import router as view_routes
from back_office.web.errors import install_error_pages
from back_office.web.headers import SecurityHeaders
from back_office.web.start import router as start_routes
from back_office.webhooks.routes import router as webhook_routes
from infra.http.app import add_routers
from infra.http.context import RequestContextMiddleware
from infra.process.health import Health, health_routes


def create_app(office: Office, *, health: Health) -> FastAPI:
    """Return the application. It opens and closes nothing of what it is given."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.office = office
    routers = (
        start_routes,
        staff_routes,
        sign_on_routes,
        session_routes,
        recovery_routes,
        search_routes,
        live_routes,
        payment_routes,
        action_routes,
        dispute_routes,
        history_routes,
        customer_routes,
        privacy_routes,
        view_routes,
        overview_routes,
        export_routes,
        payout_routes,
        ledger_routes,
        reconciliation_routes,
        discrepancy_routes,
        system_routes,
        task_routes,
        replay_routes,
        dead_letter_routes,
        saga_routes,
        contradiction_routes,
        stripe_event_routes,
        webhook_routes,
        audit_routes,
        merchant_routes,
        key_routes,
        making_routes,
        limit_routes,
        account_routes,
    )
    add_routers(app, routers)
    app.router.routes.extend([*static_routes(), *health_routes(health)])
    install_error_pages(app)
    app.add_middleware(RequestContextMiddleware)
    app.add_middleware(SecurityHeaders, tls=office.tls)
    return app
