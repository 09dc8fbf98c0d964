"""`paystream schemas`: exports and checks the published documents."""

from infra.cli.commands import command_group

schemas = command_group("Published schemas of events and APIs.")


@schemas.command("export", epilog="Example: paystream schemas export")
def schemas_export() -> None:
    """Write JSON Schemas, OpenAPI and AsyncAPI files."""
    from infra.schema_documents.cli_run import run_schemas_export

    raise SystemExit(run_schemas_export())


@schemas.command("check", epilog="Example: paystream schemas check")
def schemas_check() -> None:
    """Fail on stale or incompatible schema files.

    Compares with every version in the git history, since an event that was written stays in the log for ever.
    """
    from infra.schema_documents.cli_run import run_schemas_check

    raise SystemExit(run_schemas_check())
