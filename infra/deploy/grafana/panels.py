"""What the dashboards are made of: lines over time, numbers of now, and boards that hold them.

Each panel takes its data from the Prometheus that the reader chooses in the variable `datasource`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
RATE = "$__rate_interval"
"""The window of a rate: Grafana makes it fit the range that is shown and how often Prometheus asks."""

Unit = Literal["reqps", "ops", "short", "s", "percentunit", "bytes", "none"]
"""Ids of https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts."""

_COLUMNS, _HEIGHT, _SMALL = 24, 8, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """Values over time; `targets` are expressions with the names of their lines."""

    title: str
    description: str
    targets: Sequence[tuple[str, str]]
    unit: Unit
    stacked: bool = False
    width: int = 12

    def build(self) -> timeseries.Panel:
        """Return Grafana's panel."""
        panel = (
            timeseries.Panel()
            .title(self.title)
            .description(self.description)
            .datasource(DATASOURCE)
            .unit(self.unit)
            .min(0)
            .span(self.width)
            .height(_HEIGHT)
            .fill_opacity(20 if self.stacked else 8)
            .show_points(common.VisibilityMode.NEVER)
            .legend(VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM))
            .tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        )
        if self.stacked:
            panel = panel.stacking(StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
        for number, (expression, legend) in enumerate(self.targets):
            panel = panel.with_target(_query(number, expression, legend))
        return panel


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """One value of now. Yellow from `warning`, red from `critical` on: upwards, or downwards if that is less."""

    title: str
    description: str
    expression: str
    unit: Unit
    warning: float | None = None
    critical: float | None = None
    decimals: int | None = None
    width: int = 4

    def build(self) -> stat.Panel:
        """Return Grafana's panel."""
        panel = (
            stat.Panel()
            .title(self.title)
            .description(self.description)
            .datasource(DATASOURCE)
            .unit(self.unit)
            .span(self.width)
            .height(_SMALL)
            .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
            .thresholds(self._thresholds())
            .with_target(_query(0, self.expression, self.title).instant())
        )
        return panel if self.decimals is None else panel.decimals(self.decimals)

    def _thresholds(self) -> dashboard.ThresholdsConfig:
        warning, critical = self.warning, self.critical
        if warning is not None and critical is not None and critical < warning:  # more is better
            steps = [(None, "red"), (critical, "yellow"), (warning, "green")]
        else:
            steps = [(None, "green"), (warning, "yellow"), (critical, "red")]
        kept = [steps[0], *(step for step in steps[1:] if step[0] is not None)]
        return (
            dashboard.ThresholdsConfig()
            .mode(models.ThresholdsMode.ABSOLUTE)
            .steps([models.Threshold(value=value, color=color) for value, color in kept])
        )


Panel = Lines | Number


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Panels under a heading, from left to right."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """A dashboard. `uid` is part of its address in Grafana, so it stays."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row] = field(default_factory=tuple)

    def build(self) -> models.Dashboard:
        """Return Grafana's dashboard."""
        board = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags(["paystream"])
            .refresh("10s")
            .time("now-1h", "now")
            .timezone("browser")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .readonly()
            .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        )
        for row in self.rows:
            board = board.with_row(dashboard.Row(row.title))
            for panel in row.panels:
                board = board.with_panel(panel.build())
        built = board.build()
        for number, each in enumerate(built.panels or (), 1):
            each.id_val = number
        return built


def expressions(board: Board) -> list[str]:
    """Return every expression of a board."""
    panels = [panel for row in board.rows for panel in row.panels]
    return [
        expression
        for panel in panels
        for expression in ([each for each, _ in panel.targets] if isinstance(panel, Lines) else [panel.expression])
    ]


def rate(metric: str, *by: str, where: str = "") -> str:
    """Return a counter's increase a second, summed over processes, apart by the labels `by`."""
    return f"sum{_by(by)} (rate({metric}{_braces(where)}[{RATE}]))"


def quantile(share: float, histogram: str, *by: str, where: str = "") -> str:
    """Return the value below which this share of what a histogram observed lies."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', 'le', *by, where=where)})"


def quantiles(histogram: str, *, where: str = "") -> list[tuple[str, str]]:
    """Return p50, p95 and p99 of a histogram, as lines."""
    return [(quantile(share, histogram, where=where), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99)]


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def _braces(where: str) -> str:
    return f"{{{where}}}" if where else ""


def _query(number: int, expression: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(chr(ord("A") + number)).expr(expression).legend_format(legend)
