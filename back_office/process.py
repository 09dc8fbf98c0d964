"""The back office as a process: what `paystream back-office` runs."""

from contextlib import AsyncExitStack

import structlog
from pydantic import SecretStr

from back_office.apis.client import Api
from back_office.app import create_app
from back_office.office import Office, OperatorApis
from back_office.settings import BackOfficeSettings
from back_office.staff.oidc.sign_on import sign_on_of
from infra.http.server import serve as serve_http
from infra.process.runtime import Runtime
from infra.process.service import Service

log = structlog.get_logger(__name__)

NAME = "back-office"


async def serve(runtime: Runtime, settings: BackOfficeSettings) -> None:
    """Serve HTTP until `runtime.stop` is set.

    It is ready without the APIs: a page then says that they are away.
    """
    timeout_s = settings.back_office_api_timeout_ms / 1000
    async with AsyncExitStack() as closing:

        def api(url: str, name: str, secret: SecretStr) -> Api:
            found = Api.at(url, key=secret.get_secret_value(), timeout_s=timeout_s, name=name)
            closing.push_async_callback(found.close)
            return found

        def command_api(secret: SecretStr) -> Api:
            return api(settings.back_office_command_api_url, "command API", secret)

        def query_api(secret: SecretStr) -> Api:
            return api(settings.back_office_query_api_url, "query API", secret)

        key, operators = settings.back_office_api_key, settings.back_office_operator_api_key
        sign_on = await closing.enter_async_context(sign_on_of(settings))
        if shut_out := settings.accounts_without_log_in:
            log.warning("staff_accounts_without_log_in", accounts=[account.name for account in shut_out])
        office = Office.from_settings(
            settings,
            sign_on=sign_on,
            command_api=command_api(key),
            query_api=query_api(key),
            operators=None
            if operators is None
            else OperatorApis(command_api=command_api(operators), query_api=query_api(operators)),
        )
        app = create_app(office, health=runtime.health)
        await serve_http(app, settings.back_office_host, settings.back_office_port, runtime)


SERVICE = Service(name=NAME, settings=BackOfficeSettings, serve=serve, serves_http=True)
