"""The dashboard: how much ran, how it went, how long it took, and which nodes are slow or fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from trestle.contracts.overview import FailingNode, Interval, SlowNode, Stats
from web.access import signed_in
from web.components.browser import pulse
from web.components.feedback import empty_state, link_button, waiting_rows
from web.components.frame import page as framed
from web.components.listing import Listing, listing
from web.components.table import cell, row, table
from web.pages.execution_rows import duration_text

REFRESH_S = 15
PERIODS = (("24", "24 hours"), ("168", "7 days"), ("720", "30 days"))
"""Hours and their words."""
SPAN = {"24": "day", "168": "week", "720": "month"}
"""The same periods as the executions page calls them."""
CHART_HEIGHT = 220
_INTERVALS = {
    300: "five minutes",
    900: "quarter of an hour",
    1800: "half hour",
    3600: "hour",
    7200: "two hours",
    21_600: "six hours",
    86_400: "day",
}


@dataclass
class Figure:
    """One number with its name. `tone`: what it means, `good`, `bad` or nothing."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    href: str = ""
    """Where its note leads; empty where nowhere."""


@dataclass
class NodeRow:
    """A node in one of the two tables."""

    workflow_id: str
    workflow: str
    node: str
    figure: str
    count: str
    href: str


def figures(stats: Stats, since: str = "") -> list[Figure]:
    """The numbers at the top. `since`: the executions page's span of time that is the same period, or empty."""
    counts = {str(status): number for status, number in stats.executions.items()}
    failed = counts.get("failed", 0) + counts.get("quarantined", 0)
    under_way = sum(counts.get(status, 0) for status in ("queued", "running", "waiting", "paused"))
    rate = f"{stats.success_rate * 100:.1f} %" if stats.success_rate is not None else "–"
    tone = "" if stats.success_rate is None else "good" if stats.success_rate >= 0.99 else "bad" if stats.success_rate < 0.9 else ""
    failures = "/executions?status=failed" + (f"&since={since}" if since else "")
    durations = [duration_text(value) if value is not None else "–" for value in (stats.p50_ms, stats.p95_ms)]
    return [
        Figure("Executions", f"{sum(counts.values()):,}", f"{under_way:,} under way"),
        Figure("Success rate", rate, "of those that ended", tone),
        Figure("Failed", f"{failed:,}", "Show them" if failed else "", "bad" if failed else "", failures if failed else ""),
        Figure("Typical duration", durations[0], f"95 % within {durations[1]}" if stats.p95_ms is not None else ""),
        Figure("Workflows enabled", f"{stats.enabled_workflows:,}", f"of {stats.workflows:,}"),
    ]


def points(series: Sequence[Interval]) -> list[dict[str, Any]]:
    """The series as charts take it: times as milliseconds since the epoch, durations in milliseconds, null where nothing ended."""
    return [
        {
            "at": interval.at.timestamp() * 1000,
            "Succeeded": interval.succeeded,
            "Failed": interval.failed,
            "Others": interval.others,
            "Median": interval.p50_ms,
            "95 %": interval.p95_ms,
        }
        for interval in series
    ]


def told(stats: Stats, words: str) -> tuple[str, str]:
    """Both charts in words, for those who hear the page. `words`: the period."""
    series = stats.series
    good, bad, rest = (
        (sum(counts) for counts in zip(*((one.succeeded, one.failed, one.others) for one in series), strict=True)) if series else (0, 0, 0)
    )
    slowest = max((one.p95_ms for one in series if one.p95_ms is not None), default=None)
    runs = f"Executions in the last {words}: {good:,} succeeded, {bad:,} failed, {rest:,} others."
    if stats.p50_ms is None or stats.p95_ms is None or slowest is None:
        return runs, f"No execution has ended in the last {words}."
    took = f"Half of the executions took up to {duration_text(stats.p50_ms)}, 95 % up to {duration_text(stats.p95_ms)}."
    return runs, f"{took} At the slowest time, 95 % took up to {duration_text(slowest)}."


def sample(stats: Stats) -> str:
    """What the durations are told from, where it is not every execution."""
    everything = sum(one.succeeded + one.failed + one.others for one in stats.series)
    if stats.durations_of >= everything:
        return ""
    interval = _INTERVALS.get(round(stats.interval_s), "interval")
    return f"From {stats.durations_of:,} of {everything:,} executions: the newest of every {interval}."


def slow(found: SlowNode) -> NodeRow:
    """A slow node as a row."""
    workflow = str(found.workflow_id)
    took, count = duration_text(found.p95_ms), "once" if found.attempts == 1 else f"{found.attempts:,} times"
    return NodeRow(workflow, found.workflow_name, found.node, took, count, f"/workflows/{workflow}")


def failing(found: FailingNode) -> NodeRow:
    """A failing node as a row; it leads to its last failure."""
    href = f"/executions/{found.last_execution_id}"
    return NodeRow(str(found.workflow_id), found.workflow_name, found.node, f"{found.failures:,}", "Show the last one", href)


class Dashboard(Listing, rx.State):
    """The numbers of a period."""

    hours: str = "24"
    nothing: bool = False
    figures: list[Figure] = []
    series: list[dict[str, Any]] = []
    runs_told: str = ""
    durations_told: str = ""
    sample: str = ""
    slow: list[NodeRow] = []
    failing: list[NodeRow] = []

    @rx.event
    async def load(self) -> None:
        """Fetch the numbers."""
        api = signed_in(self)
        with self._fetching():
            stats = await api.stats(int(self.hours))
            self.figures, self.series = figures(stats, SPAN.get(self.hours, "")), points(stats.series)
            self.runs_told, self.durations_told = told(stats, dict(PERIODS)[self.hours])
            self.sample = sample(stats)
            self.slow, self.failing = [slow(node) for node in stats.slowest_nodes], [failing(node) for node in stats.failing_nodes]
            self.nothing = not stats.executions

    @rx.event
    async def choose(self, hours: str | list[str]) -> None:
        """Look at another period."""
        signed_in(self)
        if hours in dict(PERIODS):
            self.hours = str(hours)
            await self.load()


def _figure(figure: Figure) -> rx.Component:
    return rx.el.div(
        rx.el.dt(figure.label),
        rx.el.dd(figure.value, custom_attrs={"data-tone": figure.tone}),
        rx.el.dd(
            rx.cond(figure.href != "", rx.link(figure.note, href=figure.href, size="1"), figure.note),
            class_name="t-small",
        ),
        class_name="t-figure",
        key=figure.label,
    )


# As `duration_text` says them, for the axis and the tooltip; number and unit stay in one line.
_TOOK: rx.Var[Any] = rx.Var(
    "(ms) => (ms < 1000 ? `${Math.round(ms)} ms` : ms < 60000 ? `${+(ms / 1000).toFixed(1)} s`"
    " : ms < 3600000 ? `${+(ms / 60000).toFixed(1)} min` : `${+(ms / 3600000).toFixed(1)} h`).replace(' ', '\u00a0')"
)


def _axes(*, durations: bool = False) -> list[rx.Component]:
    # The browser knows the person's zone: times become words there.
    short = rx.cond(
        Dashboard.hours == "24",
        rx.Var("(at) => new Date(at).toLocaleTimeString(undefined, {hour: '2-digit', minute: '2-digit'})"),
        rx.Var("(at) => new Date(at).toLocaleDateString(undefined, {day: 'numeric', month: 'short'})"),
    )
    exact: rx.Var[Any] = rx.Var("(at) => new Date(at).toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'short'})")
    words = {"tickFormatter": _TOOK} if durations else {}
    ink = {"fontSize": 12, "fill": "var(--gray-11)"}
    return [
        rx.recharts.cartesian_grid(vertical=False, stroke="var(--gray-a4)", stroke_dasharray="0"),
        rx.recharts.x_axis(
            data_key="at", custom_attrs={"tickFormatter": short, "tick": ink}, tick_line=False, axis_line=False, min_tick_gap=48
        ),
        rx.recharts.y_axis(allow_decimals=durations, width=56, tick_line=False, axis_line=False, custom_attrs={"tick": ink, **words}),
        rx.recharts.graphing_tooltip(
            separator=": ",
            content_style={
                "background": "var(--color-panel-solid)",
                "border": "1px solid var(--gray-a5)",
                "borderRadius": "6px",
                "fontSize": "12px",
            },
            custom_attrs={"labelFormatter": exact, **({"formatter": _TOOK} if durations else {})},
        ),
        rx.recharts.legend(icon_type="circle", icon_size=8, height=28, vertical_align="top", align="right"),
    ]


def _chart(title: str, in_words: Any, chart: rx.Component, *note: rx.Component) -> rx.Component:
    """A chart, which is a picture for those who hear the page; below it a note."""
    drawn = rx.el.div(chart, role="img", custom_attrs={"aria-label": in_words})
    return rx.el.section(
        rx.heading(title, size="3", as_="h2", weight="medium"), drawn, *note, class_name="t-chart", custom_attrs={"aria-label": title}
    )


def _charts() -> rx.Component:
    bars = [
        rx.recharts.bar(data_key=name, stack_id="all", fill=f"var(--{color}-9)", is_animation_active=False)
        for name, color in (("Succeeded", "green"), ("Failed", "red"), ("Others", "gray"))
    ]
    lines = [
        rx.recharts.line(
            data_key=name, stroke=f"var(--{color}-9)", dot={"r": 2}, stroke_width=2, connect_nulls=True, is_animation_active=False
        )
        for name, color in (("Median", "accent"), ("95 %", "amber"))
    ]
    common = {
        "data": Dashboard.series,
        "width": "100%",
        "height": CHART_HEIGHT,
        "margin": {"left": 0, "right": 8, "top": 4, "bottom": 0},
        "custom_attrs": {"accessibilityLayer": False},
    }
    return rx.el.div(
        _chart("Executions", Dashboard.runs_told, rx.recharts.bar_chart(*bars, *_axes(), bar_category_gap="20%", **common)),
        _chart(
            "Duration",
            Dashboard.durations_told,
            rx.recharts.line_chart(*lines, *_axes(durations=True), **common),
            rx.cond(Dashboard.sample != "", rx.el.p(Dashboard.sample, class_name="t-small")),
        ),
        class_name="t-charts",
    )


def _node(found: NodeRow) -> rx.Component:
    return row(
        cell(
            rx.link(found.node, href=found.href, class_name="t-row-link", underline="none"),
            rx.el.span(found.workflow, class_name="t-small"),
            kind="t-name",
        ),
        cell(rx.el.span(found.count, class_name="t-muted"), kind="t-fit t-wide-only"),
        cell(rx.el.span(found.figure, class_name="t-number"), kind="t-end"),
        key=found.workflow_id + found.node,
    )


def _nodes() -> rx.Component:
    def listed(title: str, rows: Any, heads: list[Any], none: str) -> rx.Component:
        return rx.el.section(
            rx.heading(title, size="3", as_="h2", weight="medium"),
            rx.cond(rows.length() > 0, table(heads, rx.foreach(rows, _node), title), rx.text(none, size="2", color_scheme="gray")),
            class_name="t-chart",
        )

    return rx.el.div(
        listed("Slowest nodes", Dashboard.slow, ["Node", ("Ran", "t-wide-only"), ("95 % within", "t-end")], "No step has run yet."),
        listed(
            "Where executions fail",
            Dashboard.failing,
            ["Node", ("", "t-wide-only"), ("Failures", "t-end")],
            "No execution has failed at a node.",
        ),
        class_name="t-charts",
    )


def page() -> rx.Component:
    """The page."""
    nothing_yet = empty_state(
        "chart-column",
        "Nothing has run in this time",
        "Run a workflow, or enable one: how much ran, how it went and how long it took is shown here.",
        link_button("Go to workflows", href="/workflows"),
    )
    period = rx.segmented_control.root(
        *[rx.segmented_control.item(words, value=hours) for hours, words in PERIODS],
        value=Dashboard.hours,
        on_change=Dashboard.choose,
        custom_attrs={"aria-label": "Period"},
    )
    numbers = rx.fragment(rx.el.dl(rx.foreach(Dashboard.figures, _figure), class_name="t-figures"), _charts(), _nodes())
    return framed(
        "Dashboard",
        listing(Dashboard, numbers, none=Dashboard.nothing, empty=nothing_yet, waiting=waiting_rows(6)),
        pulse(REFRESH_S, Dashboard.load),
        actions=(period,),
    )
