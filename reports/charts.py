"""The figures of a page. Whatever comes from outside is escaped for Plotly's pseudo-HTML here.

They are plain dictionaries in Plotly's figure schema: its classes check every value, which took two thirds of the
time of a page. The tests check them instead.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from analytics.expressions import UNCERTAIN
from analytics.records import Gap
from reports.colours import colours_of
from reports.records import Track, Video, VideoPage
from reports.text import chart_text, clock, counted, moment, percent, span, sure
from reports.timeline import LABELS, Distribution, Run, Timeline, longest, seen_spans

Figure = dict[str, Any]
"""`data`, a list of traces, and `layout`."""

MAX_LANES: Final = 100
MAX_POINTS: Final = 2000
"""Of a trace."""
LEAST_JUDGED_S: Final = 2.0
"""Judged time, of all tracks, below which shares of it say nothing."""
_FAINTEST: Final = 0.35
"""Opacity of a run of which the classifier is not sure at all."""

_NOT_JUDGED: Final = "rgba(140,140,140,0.45)"
_DECODED: Final = "#6C8EA4"
_GAP_COLOURS: Final = {"hole": "#DC267F", "paused": "#8A8A8A"}
_GAP_SHADES: Final = {"hole": "rgba(220,38,127,0.22)", "paused": "rgba(138,138,138,0.16)"}
# One left margin for every chart with a time axis, so that the same moment stands on the same vertical.
_MARGIN: Final = {"l": 76, "r": 28, "t": 28, "b": 30}
_Y_AXIS: Final = {"fixedrange": True, "zeroline": False}


def coverage_strip(page: VideoPage) -> Figure:
    """What of the expected time could be seen; holes and pauses are drawn over it."""
    gaps = _told_apart(page.video.gaps, page.end_s)
    decoded = [(a, b, f"decoded<br>{_span(page.video, a, b)}") for a, b in seen_spans(gaps, page.end_s)]
    strips = [_strip("decoded", decoded, _DECODED, "")]
    for kind, colour in _GAP_COLOURS.items():
        spans = [(gap.start_s, gap.end_s, _gap_text(page.video, gap)) for gap in gaps if gap.kind == kind]
        strips.append(_strip(kind, spans, colour, "/" if kind == "hole" else "."))
    yaxis = {"showticklabels": False, "showgrid": False, "range": [-0.5, 0.5]}
    return _time_figure(page, strips, height=96, barmode="overlay", yaxis=yaxis)


def expression_timeline(page: VideoPage, timeline: Timeline) -> Figure:
    """Shares of the judged faces by bucket, stacked, and below them how many faces that is."""
    bars = []
    totals = timeline.counts.sum(axis=1)
    middles = (timeline.starts_s + timeline.ends_s) / 2
    widths = timeline.ends_s - timeline.starts_s
    facts = [
        f"{_span(page.video, start, end)}<br>{counted(int(n), 'judged face')} in {counted(int(m), 'sample')}"
        for start, end, n, m in zip(timeline.starts_s, timeline.ends_s, totals, timeline.n_samples, strict=True)
    ]
    colours = colours_of(page.labels)
    for code, label in enumerate(page.labels):
        drawn = np.flatnonzero(timeline.counts[:, code])
        bars.append(
            _bar(
                name=label,
                x=middles[drawn].tolist(),
                y=(timeline.counts[drawn, code] / totals[drawn]).tolist(),
                width=widths[drawn].tolist(),
                marker={"color": colours[label], "line": {"width": 0}},
                customdata=[facts[bucket] for bucket in drawn],
                hovertemplate=f"<b>{label}</b> %{{y:.0%}}<br>%{{customdata}}<extra></extra>",
            )
        )
    faces = np.flatnonzero(totals)
    bars.append(
        _bar(
            name="judged faces in a sample",
            x=middles[faces].tolist(),
            y=(totals[faces] / np.maximum(timeline.n_samples[faces], 1)).tolist(),
            yaxis="y2",
            width=widths[faces].tolist(),
            marker={"color": _DECODED, "line": {"width": 0}},
            customdata=[facts[bucket] for bucket in faces],
            hovertemplate="%{y:.2f} judged faces in a sample<br>%{customdata}<extra></extra>",
        )
    )
    share = {"domain": [0.36, 1], "range": [0, 1], "tickformat": ".0%", "nticks": 5, "title": {"text": "share"}}
    count = {"domain": [0, 0.26], "rangemode": "tozero", "nticks": 3, "title": {"text": "faces"}}
    return _time_figure(
        page,
        bars,
        height=340,
        barmode="stack",
        bargap=0,
        shapes=_gap_shades(page.video.gaps),
        xaxis={"anchor": "y2", "ticklabelstandoff": 5},
        yaxis=share,
        yaxis2={**_Y_AXIS, **count},
    )


def shown_lanes(page: VideoPage) -> tuple[int, ...]:
    """The ids of the tracks that get a lane: the longest ones, as many as can be read and drawn, by id."""
    runs_by_track: dict[int, Counter[str | None]] = {}
    for run in page.runs:
        runs_by_track.setdefault(run.track_id, Counter())[run.label] += 1
    shown: list[int] = []
    n_by_label: Counter[str | None] = Counter()
    for track in sorted(page.tracks, key=lambda track: track.start_s - track.end_s)[:MAX_LANES]:
        n_by_label += runs_by_track.get(track.track_id, Counter())
        if shown and max(n_by_label.values(), default=0) > MAX_POINTS:
            break
        shown.append(track.track_id)
    return tuple(sorted(shown))


def track_lanes(page: VideoPage, lanes: Sequence[int]) -> Figure:
    """One lane for each of these tracks: its runs, coloured by smoothed expression, paler where less sure."""
    bars = []
    lane_of = {track_id: lane for lane, track_id in enumerate(lanes)}
    facts = {track.track_id: _track_text(track) for track in page.tracks}
    colours = colours_of(page.labels)
    for label in (*page.labels, None):
        runs = [run for run in page.runs if run.label == label and run.track_id in lane_of]
        bars.append(
            _bar(
                name=label or "not judged",
                orientation="h",
                y=[lane_of[run.track_id] for run in runs],
                base=[run.start_s for run in runs],
                x=[run.end_s - run.start_s for run in runs],
                width=0.7 if label else 0.2,
                marker={
                    "color": colours[label] if label else _NOT_JUDGED,
                    "line": {"width": 0},
                    **({"opacity": [_opacity(run) for run in runs]} if label else {}),
                },
                customdata=[_run_text(page.video, run, facts.get(run.track_id, "")) for run in runs],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    return _time_figure(
        page,
        bars,
        lanes=lanes,
        height=64 + 22 * max(len(lanes), 2),
        barmode="overlay",
        shapes=_gap_shades(page.video.gaps),
        yaxis={
            "range": [max(len(lanes), 2) - 0.4, -0.6],
            "tickvals": list(range(len(lanes))),
            "ticktext": [f"track {track_id}" for track_id in lanes],
            "showgrid": False,
            "ticklabelstandoff": 4,
        },
    )


def expression_distribution(distribution: Distribution, labels: Sequence[str] = LABELS) -> Figure:
    """How the judged time of all tracks divides among the labels."""
    total_s = sum(distribution.seconds) or 1.0
    shares = [seconds / total_s for seconds in distribution.seconds]
    colours = colours_of(labels)
    bar = _bar(
        orientation="h",
        y=list(labels),
        x=shares,
        marker={"color": [colours[label] for label in labels], "line": {"width": 0}},
        text=[
            f"{percent(s)} · {clock(seconds, tenths=total_s < 60)}"
            for s, seconds in zip(shares, distribution.seconds, strict=True)
        ],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    return figure(
        [bar],
        height=30 + 30 * len(labels),
        bargap=0.3,
        xaxis={"range": [0, max(shares) * 1.45 or 1], "visible": False, "fixedrange": True},
        yaxis={"autorange": "reversed", "showgrid": False, "ticklabelstandoff": 6},
        margin={**_MARGIN, "t": 4, "b": 4},
    )


def figure(traces: list[Figure], *, yaxis: Figure, **layout: Any) -> Figure:
    """A figure with the looks that all have; report.js adds the colours of the theme."""
    # Without a template: Plotly's own would be repeated in every figure and fix the colours of one theme.
    common = {
        "margin": _MARGIN,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "hoverlabel": {"align": "left"},
        "showlegend": False,
    }
    return {"data": traces, "layout": {**common, **layout, "yaxis": {**_Y_AXIS, **yaxis}}}


def _time_figure(
    page: VideoPage,
    traces: list[Figure],
    *,
    xaxis: Figure | None = None,
    lanes: Sequence[int] = (),
    **layout: Any,
) -> Figure:
    time = {"range": [0, page.end_s or 1], "zeroline": False, **(xaxis or {})}
    # report.js labels the seconds as h:mm:ss, anew after each zoom, for every figure that is marked so, and tells
    # which moment, and which lane, was clicked.
    return figure(traces, meta={"time_axis": True, "lanes": list(lanes)}, xaxis=time, **layout)


def _bar(**properties: Any) -> Figure:
    return {"type": "bar", **properties}


def _strip(name: str, spans: Sequence[tuple[float, float, str]], colour: str, pattern: str) -> Figure:
    return _bar(
        name=name,
        orientation="h",
        y=[0] * len(spans),
        base=[start for start, _, _ in spans],
        x=[end - start for start, end, _ in spans],
        width=0.9,
        # The line keeps a short hole visible in a long video.
        marker={
            "color": colour,
            "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6},
            "line": {"width": 0 if name == "decoded" else 1.5, "color": colour},
        },
        customdata=[text for _, _, text in spans],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _gap_shades(gaps: Sequence[Gap]) -> list[dict[str, Any]]:
    common = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0}}
    return [{**common, "x0": g.start_s, "x1": g.end_s, "fillcolor": _GAP_SHADES.get(g.kind)} for g in longest(gaps)]


def _told_apart(gaps: Sequence[Gap], end_s: float) -> list[Gap]:
    """The gaps in order; where they are too many to draw, those that no eye could tell apart are one."""
    told: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.start_s):
        last = told[-1] if told else None
        if last and len(gaps) > MAX_POINTS and gap.start_s - last.end_s < end_s / MAX_POINTS:
            # One hole makes all of it a hole: damage is not to hide behind a pause.
            kind = "hole" if "hole" in (last.kind, gap.kind) else gap.kind
            told[-1] = Gap(last.start_s, max(last.end_s, gap.end_s), kind, "several gaps close together")
        else:
            told.append(gap)
    return told


def _opacity(run: Run) -> float:
    return round(_FAINTEST + (1 - _FAINTEST) * min(max(run.confidence, 0.0), 1.0), 2)


def _span(video: Video, start_s: float, end_s: float) -> str:
    """A stretch in the time of the video and, where that is known, by the camera's clock."""
    when = f"<br>{moment(video.moment(start_s), video.time_zone)}" if video.start_time else ""
    return span(start_s, end_s) + when


def _gap_text(video: Video, gap: Gap) -> str:
    return f"<b>{chart_text(gap.kind)}</b><br>{_span(video, gap.start_s, gap.end_s)}<br>{chart_text(gap.cause)}"


def _run_text(video: Video, run: Run, track: str) -> str:
    faces = f"{counted(run.n_faces, 'face')}, {run.n_usable:,} usable"
    said = f", confidence {sure(run.confidence)}" if run.n_usable and run.label != UNCERTAIN else ""
    words = f"<b>{run.label or 'not judged'}</b> · {_span(video, run.start_s, run.end_s)}"
    return f"{words}<br>{faces}{said}<br>{track}"


def _track_text(track: Track) -> str:
    expression = track.expression if track.n_usable else "not judged"
    confidence = f", confidence {sure(track.confidence)}" if track.confidence is not None else ""
    return (
        f"whole track {track.track_id}: {span(track.start_s, track.end_s)}<br>"
        f"{chart_text(expression)}{confidence}, median face {track.median_face_px:.0f} px"
    )
