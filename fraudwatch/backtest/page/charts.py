"""Charts as inline SVG: bars in parts, bars on a logarithmic scale, lines. Colours are classes of the page's style.

Each is an image to a screen reader, named by `says`; the numbers stand in the table that the page puts beside it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from fraudwatch.alerts.written import number
from fraudwatch.backtest.page.markup import Html, element, joined

WIDTH, HEIGHT = 960.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 76.0, 14.0, 14.0, 30.0
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
_FLOOR = HEIGHT - BOTTOM
_MOST_LABELS = 12
_GAP = 0.18
"""Of a bar's place that stays empty."""


class Part(NamedTuple):
    """One part of every bar, or one line: its name in the legend, its class of colour, its values."""

    name: str
    colour: str
    values: Sequence[float]


class Mark(NamedTuple):
    """A dashed line across bars at one value of their axis."""

    name: str
    colour: str
    value: float


def bars(labels: Sequence[str], parts: Sequence[Part], marks: Sequence[Mark] = (), *, says: str) -> Html:
    """Each bar the sum of its parts, the first at the bottom."""
    sums = [sum(values) for values in zip(*(part.values for part in parts), strict=True)]
    top = _rounded_up(max([*sums, *(mark.value for mark in marks), 1.0]))
    place = _PLOT_WIDTH / max(1, len(labels))
    drawn: list[Html] = []
    for at in range(len(labels)):
        floor = _FLOOR
        for part in parts:
            height = _PLOT_HEIGHT * part.values[at] / top
            if height:
                floor -= height
                drawn.append(_bar(at, place, floor, height, part.colour))
        said = ", ".join(f"{number(part.values[at], 'en')} {part.name}" for part in parts)
        drawn.append(_pointed_at(at, place, f"{labels[at]}: {said}"))
    lines = [
        element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_=f"mark {mark.colour}")
        for mark in marks
        for y in (_FLOOR - _PLOT_HEIGHT * mark.value / top,)
    ]
    grid = _grid([(value, number(value, "en"), value / top) for value in _ticks(top)])
    return _figure([*grid, *drawn, *lines, *_under(labels, place)], parts, marks, says)


def logarithmic(
    labels: Sequence[str], parts: Sequence[Part], band: tuple[float, float] | None, *, says: str, banded: str
) -> Html:
    """Bars one in front of the other, a decade of counts as high as the next; `band` is a stretch of the axis below.

    Its ends are places of labels, fractions allowed; `banded` is its name.
    """
    decades = max(1, math.ceil(math.log10(max([2.0, *parts[0].values]))))
    place = _PLOT_WIDTH / max(1, len(labels))
    drawn: list[Html] = []
    if band is not None:
        low, high = (min(max(end, 0.0), float(len(labels))) for end in band)
        width = max(2.0, (high - low) * place)
        drawn.append(
            element("rect", x=LEFT + low * place, y=TOP, width=width, height=_PLOT_HEIGHT, class_="band")
        )
    for at in range(len(labels)):
        for part in parts:
            if part.values[at]:
                # One is not nothing: it stands a tenth of a decade high.
                height = _PLOT_HEIGHT * (math.log10(part.values[at]) + 0.1) / (decades + 0.1)
                drawn.append(_bar(at, place, _FLOOR - height, height, part.colour))
        said = ", ".join(f"{number(part.values[at], 'en')} {part.name}" for part in parts)
        drawn.append(_pointed_at(at, place, f"{labels[at]}: {said}"))
    ticks = [
        (10.0**decade, number(10**decade, "en"), (decade + 0.1) / (decades + 0.1))
        for decade in range(decades + 1)
    ]
    marks = [] if band is None else [Mark(banded, "band", 0.0)]
    return _figure([*_grid(ticks), *drawn, *_under(labels, place)], parts, marks, says)


def lines(labels: Sequence[str], parts: Sequence[Part], *, says: str) -> Html:
    """Shares from 0 to 1, a point a label."""
    place = _PLOT_WIDTH / max(1, len(labels))
    drawn: list[Html] = []
    for part in parts:
        points = [
            (LEFT + (at + 0.5) * place, _FLOOR - _PLOT_HEIGHT * value) for at, value in enumerate(part.values)
        ]
        way = " L ".join(f"{x:.1f} {y:.1f}" for x, y in points)
        drawn.append(element("path", d=f"M {way}", class_=f"line {part.colour}"))
        drawn += [element("circle", cx=x, cy=y, r=3.5, class_=part.colour) for x, y in points]
    for at, label in enumerate(labels):
        said = ", ".join(f"{number(100 * part.values[at], 'en')} % {part.name}" for part in parts)
        drawn.append(_pointed_at(at, place, f"{label}: {said}"))
    ticks = [(share, f"{number(100 * share, 'en')} %", share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return _figure([*_grid(ticks), *drawn, *_under(labels, place)], parts, (), says)


def _bar(at: int, place: float, top: float, height: float, colour: str) -> Html:
    gap = min(_GAP * place, 6.0)
    return element(
        "rect", x=LEFT + at * place + gap / 2, y=top, width=place - gap, height=height, class_=colour
    )


def _pointed_at(at: int, place: float, said: str) -> Html:
    """What a mouse that rests anywhere above a label is told."""
    title = element("title", said)
    return element(
        "g",
        title,
        element("rect", x=LEFT + at * place, y=TOP, width=place, height=_PLOT_HEIGHT, class_="over"),
    )


def _grid(ticks: Sequence[tuple[float, str, float]]) -> list[Html]:
    """A line and a label at each (value, label, share of the height)."""
    drawn = []
    for _, label, share in ticks:
        y = _FLOOR - _PLOT_HEIGHT * share
        drawn.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        drawn.append(element("text", label, x=LEFT - 8, y=y + 4, text_anchor="end"))
    return drawn


def _under(labels: Sequence[str], place: float) -> list[Html]:
    """As many labels as can be read."""
    step = max(1, math.ceil(len(labels) / _MOST_LABELS))
    return [
        element("text", label, x=LEFT + (at + 0.5) * place, y=HEIGHT - 9, text_anchor="middle")
        for at, label in enumerate(labels)
        if at % step == 0
    ]


def _figure(drawn: Sequence[Html], parts: Sequence[Part], marks: Sequence[Mark], says: str) -> Html:
    entries: list[Part | Mark] = [*parts, *marks]
    legend = [
        element("li", element("span", class_=f"key {entry.colour}", aria_hidden="true"), entry.name)
        for entry in entries
    ]
    image = element(
        "svg",
        element("title", says),
        *drawn,
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
        aria_label=says,
    )
    return joined(element("ul", *legend, class_="legend"), image)


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten, never below 4: counts are whole."""
    power = 10.0 ** math.floor(math.log10(value))
    above = next(power * step for step in (1.0, 2.0, 2.5, 5.0, 10.0) if power * step >= value * (1 - 1e-9))
    return max(4.0, above)


def _ticks(top: float) -> list[float]:
    parts = 5 if top % 5 == 0 else 4
    return [top * part / parts for part in range(parts + 1)]
