"""`python -m infra.cli`: the same as `paystream`."""

from infra.cli import main

main()
