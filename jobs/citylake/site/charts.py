"""Charts as SVG text: how datasets fare, and the picture that a mart's contract asks for. Nothing is fetched,
nothing runs in the page.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from math import ceil, floor
from pathlib import Path
from statistics import median
from typing import Any

from markupsafe import Markup

from citylake.contract.model import Contract
from citylake.core.codes import load_codes

Row = dict[str, Any]
SERIES = 6  # panels that a reader can compare at a glance; the table has the rest
CELLS = 60  # of the longer side of a map
BAD = "#b3261e"
COUNT = ""  # the title of a number of rows


def svg(chart: Any) -> Markup:
    """An Altair chart as SVG; the same chart gives the same text."""
    import vl_convert

    text = vl_convert.vegalite_to_svg(chart.to_dict())
    # Vega numbers ids through the life of a process.
    for n, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', text))):
        text = text.replace(f'"{name}"', f'"id{n}"').replace(f"#{name})", f"#id{n})")
    return Markup(text)


def mart_chart(contract: Contract, rows: list[Row], lang: str, root: Path) -> Markup:
    """The chart that a contract's `chart` describes (docs/engineers/contracts.md), over the rows of its
    table, and under it what it leaves out.
    """
    asked = contract.chart
    if asked is None:
        return Markup("")
    wanted = [asked[k] for k in ("x", "y", "by", "line") if k in asked]
    kept = [{c: _plain(r[c]) for c in wanted} for r in rows if _fits(r, asked)]
    if not kept:
        return Markup("")
    ordered = sorted(kept, key=lambda r: [str(r[c]) for c in wanted])
    _label_codes(contract, ordered, asked.get("by"), lang, root)
    titles = {c.name: c.label.of(lang) for c in contract.columns} | {
        COUNT: "行数" if lang == "zh" else "rows"
    }
    return svg(KINDS[asked["kind"]](asked, ordered, titles)) + _left_out(asked, ordered, lang)


def _label_codes(contract: Contract, rows: list[Row], by: str | None, lang: str, root: Path) -> None:
    """Put the names of codes where series are told apart."""
    codes = contract.column(by).type.codes if by else None
    if by is None or codes is None:
        return
    labels = {r["code"]: r[f"label_{lang}"] for r in load_codes(root, codes)}
    for row in rows:
        row[by] = labels.get(row[by]) or row[by]


def _left_out(asked: dict[str, Any], rows: list[Row], lang: str) -> Markup:
    """A line that says how many series a picture does not show; empty when it shows all."""
    total = len({r[asked["by"]] for r in rows}) if asked["kind"] == "lines" else 0
    if total <= SERIES:
        return Markup("")
    zh = f"图中为 {total} 个序列中数据最多的 {SERIES} 个；表中有全部。"
    en = f"The {SERIES} of {total} series with most data; the table has all."
    return Markup('<p class="soft">{}</p>').format(zh if lang == "zh" else en)


def _fits(row: Row, asked: dict[str, Any]) -> bool:
    return all(row[c] is not None for c in (asked["x"], asked["y"])) and all(
        str(row[c]) == str(v) for c, v in asked.get("where", {}).items()
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _lines(asked: dict[str, Any], rows: list[Row], titles: dict[str, str]) -> Any:
    """One small panel per series, each with its own scale; `line` parts a panel into lines (the vintages of
    an indicator).
    """
    import altair as alt

    first = _first_series(asked, rows)
    shown = [r for r in rows if r[asked["by"]] in first]
    ticks = alt.TimeIntervalStep(
        interval="month", step=ceil(len({str(r[asked["x"]])[:7] for r in shown}) / 6)
    )
    line = (
        alt.Chart(alt.Data(values=shown))
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            alt.X(f"{asked['x']}:T", title=None, axis=alt.Axis(format="%Y-%m", tickCount=ticks)),
            alt.Y(f"{asked['y']}:Q", title=None, axis=alt.Axis(tickCount=4)),
        )
        .properties(width=330, height=110)
    )
    if "line" in asked:
        line = line.encode(alt.Color(f"{asked['line']}:O", title=titles[asked["line"]]))
    panels = alt.Facet(
        f"{asked['by']}:N", title=titles[asked["y"]], header=alt.Header(labelLimit=330), sort=None
    )
    return line.facet(panels, columns=2).resolve_scale(x="independent", y="independent")


def _first_series(asked: dict[str, Any], rows: list[Row]) -> list[Any]:
    """The series with most lines (an indicator that was restated says more than one that was not), then with
    most points.
    """
    points = Counter(r[asked["by"]] for r in rows)
    lines = (
        Counter(by for by, _ in {(r[asked["by"]], r[asked["line"]]) for r in rows})
        if "line" in asked
        else Counter()
    )
    return sorted(points, key=lambda s: (-lines[s], -points[s], str(s)))[:SERIES]


def _calendar(asked: dict[str, Any], rows: list[Row], titles: dict[str, str]) -> Any:
    """One cell a day, months below each other; `steps` part the classes and `colors` name them."""
    import altair as alt

    inks = [_ink(c) for c in asked["colors"]]
    values = ((str(r[asked["x"]]), r[asked["y"]]) for r in rows)
    cells = [
        {"day": int(d[8:10]), "month": d[:7], "value": v, "ink": inks[bisect_right(asked["steps"], v)]}
        for d, v in values
    ]
    scale = alt.Scale(type="threshold", domain=asked["steps"], range=asked["colors"])
    base = alt.Chart(alt.Data(values=cells)).encode(
        alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0)), alt.Y("month:O", title=None)
    )
    boxes = base.mark_rect(stroke="#fff").encode(alt.Color("value:Q", title=titles[asked["y"]], scale=scale))
    text = base.mark_text(fontSize=9).encode(
        alt.Text("value:Q", format=".0f"), alt.Color("ink:N", scale=None)
    )
    return (
        alt.layer(boxes, text).resolve_scale(color="independent").properties(width=900, height=alt.Step(26))
    )


def _ink(color: str) -> str:
    """Black or white, whichever reads better on a colour given as `#rrggbb` (luma of ITU-R BT.601)."""
    if not color.startswith("#"):
        return "black"
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 110 else "black"


def _bars(asked: dict[str, Any], rows: list[Row], titles: dict[str, str]) -> Any:
    """Bars of the sum of `y` by `x`, and over them the mean of `line` on a scale of its own."""
    import altair as alt

    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X(f"{asked['x']}:T", title=None, axis=alt.Axis(format="%m-%d"))
    )
    bars = base.mark_bar(color="#9db7cf").encode(alt.Y(f"sum({asked['y']}):Q", title=titles[asked["y"]]))
    line = base.mark_line(color="#0b57a4").encode(
        alt.Y(f"mean({asked['line']}):Q", title=titles[asked["line"]])
    )
    return alt.layer(bars, line).resolve_scale(y="independent").properties(width=860, height=200)


def _map(asked: dict[str, Any], rows: list[Row], titles: dict[str, str]) -> Any:
    """How many rows lie in each cell of a grid by longitude and latitude, and the name of each `by` in its
    middle; a degree of longitude is drawn 0.74 of a degree of latitude, as at 42 degrees north.
    """
    import altair as alt

    east, north = [r[asked["x"]] for r in rows], [r[asked["y"]] for r in rows]
    step = max(max(east) - min(east), max(north) - min(north), 0.01) / CELLS
    counted = Counter((floor(x / step), floor(y / step)) for x, y in zip(east, north, strict=True))
    cells = [
        {"x": x * step, "x2": (x + 1) * step, "y": y * step, "y2": (y + 1) * step, "n": n}
        for (x, y), n in sorted(counted.items())
    ]
    free = alt.Scale(zero=False, nice=False)
    grid = (
        alt.Chart(alt.Data(values=cells))
        .mark_rect()
        .encode(
            alt.X("x:Q", title=titles[asked["x"]], scale=free),
            alt.X2("x2:Q"),
            alt.Y("y:Q", title=titles[asked["y"]], scale=free),
            alt.Y2("y2:Q"),
            alt.Color("n:Q", title=titles[COUNT], scale=alt.Scale(type="sqrt", range=["#cfe3f5", "#08306b"])),
        )
    )
    names = alt.Chart(alt.Data(values=_middles(asked, rows))).mark_text(
        fontSize=11, fontWeight="bold", stroke="#fff", strokeWidth=3, strokeOpacity=0.8
    )
    front = alt.Chart(alt.Data(values=_middles(asked, rows))).mark_text(fontSize=11, fontWeight="bold")
    placed = [t.encode(alt.X("x:Q"), alt.Y("y:Q"), alt.Text("name:N")) for t in (names, front)]
    wide, high = max(max(east) - min(east), 0.01), max(max(north) - min(north), 0.01)
    return alt.layer(grid, *placed).properties(width=620, height=min(900, int(620 * high / (wide * 0.74))))


def _middles(asked: dict[str, Any], rows: list[Row]) -> list[Row]:
    """The median place of each `by`."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row[asked["by"]]), []).append(row)
    return [
        {"name": name, "x": median(r[asked["x"]] for r in mine), "y": median(r[asked["y"]] for r in mine)}
        for name, mine in sorted(found.items())
    ]


KINDS: dict[str, Callable[[dict[str, Any], list[Row], dict[str, str]], Any]] = {
    "lines": _lines,
    "calendar": _calendar,
    "bars": _bars,
    "map": _map,
}


def shares(points: list[Row], colors: dict[str, str]) -> Markup:
    """Share of rows set aside: bars of `share` by `d`, in the colour of `k`."""
    import altair as alt

    scale = alt.Scale(domain=list(colors), range=list(colors.values()))
    chart = (
        alt.Chart(alt.Data(values=points))
        .mark_bar()
        .encode(
            alt.Y("d:N", title=None, sort=None),
            alt.X("share:Q", title=None, axis=alt.Axis(format=".1%")),
            alt.Color("k:N", title=None, scale=scale),
        )
        .properties(width=560, height=alt.Step(20))
    )
    return svg(chart)


def trends(points: list[Row]) -> Markup:
    """Share of quarantined rows (`share`) by `period`, a panel per `dataset`, all on one scale."""
    import altair as alt

    panels = alt.Facet("dataset:N", title=None, sort=None, header=alt.Header(labelLimit=240))
    line = _quarantine(points, alt.X("period:O", title=None)).properties(width=240, height=90)
    return svg(line.facet(panels, columns=3)) if points else Markup("")


def trend(points: list[Row], title: str) -> Markup:
    """Share of quarantined rows (`share`) by delivery (`n`)."""
    import altair as alt

    line = _quarantine(points, alt.X("n:O", title=title, sort=None)).properties(width=640, height=140)
    return svg(line) if points else Markup("")


def _quarantine(points: list[Row], x: Any) -> Any:
    """A line of the largest `share` at each place of `x`, in the colour of quarantine."""
    import altair as alt

    line = alt.Chart(alt.Data(values=points)).mark_line(point={"color": BAD}, color=BAD)
    return line.encode(x, alt.Y("max(share):Q", title=None, axis=alt.Axis(format=".1%")))
