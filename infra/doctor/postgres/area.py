"""The name of the area, for every module of it."""

from infra.doctor.finding import Area

AREA = Area("PostgreSQL")
