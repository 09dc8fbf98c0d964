"""Columns with the names of the glossary."""

from infra.migrations.sql_files import run_sql_file

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0027_glossary_names.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0027_glossary_names.down.sql")
