"""The back office as a process: what `paystream back-office` runs."""

from contextlib import AsyncExitStack

from back_office.apis.client import Api
from back_office.app import create_app
from back_office.office import Office
from back_office.settings import BackOfficeSettings
from infra.http.server import serve as serve_http
from infra.process.runtime import Runtime
from infra.process.service import Service

NAME = "back-office"


async def serve(runtime: Runtime, settings: BackOfficeSettings) -> None:
    """Serve HTTP until `runtime.stop` is set.

    It is ready without the APIs: a page then says that they are away.
    """
    key = settings.back_office_api_key.get_secret_value()
    timeout_s = settings.back_office_api_timeout_ms / 1000
    async with AsyncExitStack() as closing:
        command_api = Api.at(settings.back_office_command_api_url, key=key, timeout_s=timeout_s, name="command API")
        closing.push_async_callback(command_api.close)
        query_api = Api.at(settings.back_office_query_api_url, key=key, timeout_s=timeout_s, name="query API")
        closing.push_async_callback(query_api.close)
        admin_api = None
        if (operators := settings.back_office_operator_api_key) is not None:
            admin_api = Api.at(
                settings.back_office_command_api_url,
                key=operators.get_secret_value(),
                timeout_s=timeout_s,
                name="command API",
            )
            closing.push_async_callback(admin_api.close)
        office = Office.from_settings(settings, command_api=command_api, query_api=query_api, admin_api=admin_api)
        app = create_app(office, health=runtime.health)
        await serve_http(app, settings.back_office_host, settings.back_office_port, runtime)


SERVICE = Service(name=NAME, settings=BackOfficeSettings, serve=serve, serves_http=True)
