"""Finishes FastAPI's document: operation ids, errors, bodies that routes read by themselves, and plain schemas."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from infra.http.openapi import schemas as shape
from infra.http.openapi.errors import PROBLEM, PROBLEM_CODE, problem_codes, reference
from infra.http.openapi.schemas import Json

_CODES = "The names of all errors of this API. More may be added: with an unknown one, a program decides by the status."


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiDescription:
    """What the routes of an API cannot say of it."""

    title: str
    text: str
    """In Markdown."""
    models: Sequence[type[BaseModel]]
    """Bodies of requests that routes read by themselves, and of errors."""
    tags: Mapping[str, str]
    """What belongs together, and what it is about."""
    local_url: str
    """Where `make run` serves it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Better names of schemas, by those that pydantic gives to classes of the same name."""


def describe(app: FastAPI, description: ApiDescription) -> None:
    """Make the application's OpenAPI document the finished one, which is made once, on first use."""
    make = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _finished(make(), app, description)
        return app.openapi_schema

    app.separate_input_output_schemas = False
    app.servers = [{"url": description.local_url, "description": "The API of `make run`."}]
    app.openapi_tags = [{"name": name, "description": about} for name, about in sorted(description.tags.items())]
    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _finished(document: Json, app: FastAPI, description: ApiDescription) -> Json:
    for path, route in _routes(app):
        for method in route.methods or ():
            operation = document["paths"][path][method.lower()]
            operation["operationId"] = route.name
            _leave_out_what_is_never_sent(operation)
            _finish_parameters(operation)
            _finish_headers(operation)
    components = document.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **_definitions(app, description)}
    components.setdefault("securitySchemes", {})["ApiKey"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of the merchant.",
    }
    document = shape.renamed(document, description.names)
    document["components"]["schemas"] = _finished_schemas(document, description.names)
    return document


def _routes(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Yield the routes that are documented, each with its path."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.include_in_schema:
            yield str(context.path_format), route


def _leave_out_what_is_never_sent(operation: Json) -> None:
    """Remove FastAPI's own 422 and its body: errors are problem documents."""
    unprocessable = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
    if unprocessable.get("schema") == reference("HTTPValidationError"):
        del operation["responses"]["422"]


def _finish_parameters(operation: Json) -> None:
    for parameter in operation.get("parameters", ()):
        schema = shape.plain(shape.bounded(shape.never_null(parameter["schema"])))
        if schema.get("description") == parameter.get("description"):
            schema.pop("description", None)
        parameter["schema"] = schema


def _finish_headers(operation: Json) -> None:
    for response in operation["responses"].values():
        for header in response.get("headers", {}).values():
            header["schema"] = shape.plain(header["schema"])


def _definitions(app: FastAPI, description: ApiDescription) -> Json:
    """Return the schemas of all bodies. FastAPI's own lack the nulls of their examples."""
    answers = {
        response["model"]: None
        for _, route in _routes(app)
        for response in route.responses.values()
        if "model" in response
    }
    models = [*description.models, *answers]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    defined: Json = definitions["$defs"]
    return defined


def _finished_schemas(document: Json, names: Mapping[str, str]) -> Json:
    codes = sorted(problem_codes(document))
    schemas = document["components"]["schemas"]
    given: Json = {names.get(name, name): shape.plain(schema) for name, schema in schemas.items()}
    given[PROBLEM_CODE] = {"type": "string", "enum": codes, "description": _CODES}
    code = given[PROBLEM]["properties"]["code"]
    beside = {key: value for key, value in code.items() if key != "type"}
    given[PROBLEM]["properties"]["code"] = {**beside, "anyOf": [reference(PROBLEM_CODE), {"type": "string"}]}
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    sent = shape.reached([[each.get("requestBody"), each.get("parameters")] for each in operations], given)
    # What is sent to a client by itself may grow as answers may.
    answered = shape.reached([[each["responses"], each.get("callbacks")] for each in operations], given)
    finished: Json = {}
    for name in sorted(sent | answered):
        schema = shape.bounded(given[name]) if name in sent else shape.may_grow(given[name])
        finished[name] = shape.with_names_of_values(name, schema)
    return finished
