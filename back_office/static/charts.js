// Draws a chart over each table of figures. The table stays: it has the links, and is all there is without scripts.

const COLOURS = { gross: "--kept", fees: "--fees", refunds: "--given-back", disputes: "--disputed", net: "--held", made: "--held", succeeded: "--kept", declined: "--disputed" };
const dark = matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function read(table) {
  const names = [...table.tHead.rows[0].cells];
  const days = [...table.tBodies[0].rows];
  const series = names.flatMap((cell, column) => cell.dataset.series ? [{ column, key: cell.dataset.series, label: cell.textContent }] : []);
  // A day is a point in a line of days, in UTC: no zone of the browser comes into it.
  const xs = days.map((row) => Date.parse(row.dataset.day + "T00:00:00Z") / 1000);
  const written = series.flatMap((each) => days.map((row) => row.cells[each.column].dataset.value));
  const decimals = Math.max(0, ...written.map((text) => (text.split(".")[1] || "").length));
  return { days, xs, series, decimals, values: series.map((each) => days.map((row) => Number(row.cells[each.column].dataset.value))) };
}

function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

function draw(place) {
  const { days, xs, series, decimals, values } = read(document.getElementById(place.dataset.chart));
  place.replaceChildren();
  place.hidden = false;
  const unit = place.dataset.unit;
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const write = (value) => value == null ? "" : value.toLocaleString("en-US", { minimumFractionDigits: decimals }) + (unit ? " " + unit : "");
  const chart = new uPlot({
    width: place.clientWidth,
    height: 260,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { markers: { width: 0, fill: (_, index) => index ? colour(COLOURS[series[index - 1].key]) : "transparent" } },
    // Where nothing is pointed at, the legend has the numbers of the last day.
    hooks: { setCursor: [(chart) => { if (chart.cursor.idx == null) chart.setLegend({ idx: xs.length - 1 }); }] },
    scales: { x: { time: true } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((each) => each % 86400 ? "" : day(each).slice(5)) },
      { ...axis, size: 70, values: (_, ticks) => ticks.map((each) => each.toLocaleString("en-US", { notation: "compact" })) },
    ],
    series: [
      { label: "Day", value: (_, seconds) => seconds == null ? "" : day(seconds) },
      ...series.map((each) => ({ label: each.label, stroke: colour(COLOURS[each.key]), width: 2, points: { show: xs.length < 40, size: 6 }, value: (_, value) => write(value) })),
    ],
  }, [xs, ...values], place);
  // A point leads to its rows: of the line that is nearest, and of the whole day where that has none of its own.
  chart.over.addEventListener("click", () => {
    const { idx, top } = chart.cursor;
    if (idx == null) return;
    const away = (number) => Math.abs(chart.valToPos(values[number][idx], "y") - top);
    const nearest = [...series.keys()].reduce((best, number) => away(number) < away(best) ? number : best);
    const link = days[idx].cells[series[nearest].column].querySelector("a") || days[idx].querySelector("a");
    location.assign(link.href);
  });
  chart.setLegend({ idx: xs.length - 1 });
  return chart;
}

function drawAll() {
  for (const place of document.querySelectorAll(".chart[data-chart]")) {
    const chart = draw(place);
    place.chart = chart;
  }
}

drawAll();
dark.addEventListener("change", drawAll);
addEventListener("resize", () => {
  for (const place of document.querySelectorAll(".chart[data-chart]")) place.chart.setSize({ width: place.clientWidth, height: 260 });
});
