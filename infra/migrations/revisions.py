"""The numbers of migrations, without Alembic, which takes a second to import."""


def is_newer(revision: str, head: str) -> bool:
    """Whether a release after the one with `head` made a revision: they are one line, and numbered."""
    return revision.isdecimal() and int(revision) > int(head)
