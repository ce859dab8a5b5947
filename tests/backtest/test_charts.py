"""Charts draw the figures they are given: heights in proportion, every value said in words as well."""

import re
from xml.etree import ElementTree

import pytest

from fraudwatch.backtest.page.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Mark,
    Part,
    bars,
    lines,
    logarithmic,
)

FLOOR = HEIGHT - BOTTOM


def drawn(markup: str) -> ElementTree.Element:
    """The image, which has to be well-formed XML."""
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", markup)[0])  # type: ignore[index]


def heights(image: ElementTree.Element, colour: str) -> list[float]:
    return [float(bar.attrib["height"]) for bar in image.iter("rect") if bar.get("class") == colour]


def titles(image: ElementTree.Element) -> list[str]:
    return [title.text or "" for group in image.iter("g") for title in group.iter("title")]


def test_bars_are_as_high_as_their_values_and_stand_on_one_another() -> None:
    image = drawn(
        bars(
            ["1 Mar", "2 Mar"],
            [Part("right", "right", [10, 0]), Part("wrong", "other", [30, 20])],
            [Mark("budget", "budget", 40.0)],
            says="Alerts",
        )
    )
    (right,), (first, second) = heights(image, "right"), heights(image, "other")
    assert first == pytest.approx(3 * right, abs=0.02)
    assert second == pytest.approx(2 * right, abs=0.02)
    lower, upper = (
        next(bar for bar in image.iter("rect") if bar.get("class") == colour) for colour in ("right", "other")
    )
    assert float(lower.attrib["y"]) + right == pytest.approx(FLOOR, abs=0.02)
    assert float(upper.attrib["y"]) + first == pytest.approx(float(lower.attrib["y"]), abs=0.02)
    (mark,) = (line for line in image.iter("line") if line.get("class") == "mark budget")
    assert float(mark.attrib["y1"]) == pytest.approx(float(upper.attrib["y"]), abs=0.02)
    assert titles(image) == ["1 Mar: 10 right, 30 wrong", "2 Mar: 0 right, 20 wrong"]


def test_a_decade_more_is_a_step_higher_and_one_is_not_nothing() -> None:
    image = drawn(
        logarithmic(
            ["0", "1", "2", "3"],
            [Part("all", "other", [1_000, 100, 1, 0])],
            (1.5, 2.5),
            says="s",
            banded="edge",
        )
    )
    thousand, hundred, one = heights(image, "other")
    assert thousand - hundred == pytest.approx((hundred - one) / 2, abs=0.02)
    assert 0 < one < hundred - one
    (band,) = (bar for bar in image.iter("rect") if bar.get("class") == "band")
    place = (WIDTH - LEFT - RIGHT) / 4
    assert float(band.attrib["x"]) == pytest.approx(LEFT + 1.5 * place, abs=0.02)
    assert float(band.attrib["width"]) == pytest.approx(place, abs=0.02)


def test_lines_go_through_their_points() -> None:
    image = drawn(lines(["0 h", "1 h"], [Part("found", "right", [0.25, 1.0])], says="s"))
    low, high = (float(point.attrib["cy"]) for point in image.iter("circle"))
    assert FLOOR - low == pytest.approx((FLOOR - high) / 4, abs=0.1)
    (way,) = (path.attrib["d"] for path in image.iter("path"))
    assert len(re.findall(r"[\d.]+ [\d.]+", way)) == 2
    assert titles(image) == ["0 h: 25 % found", "1 h: 100 % found"]


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_any_number_of_bars_is_drawn_inside_the_image(count: int) -> None:
    labels = [str(at) for at in range(count)]
    for markup in (
        bars(labels, [Part("n", "right", [3] * count)], says="s"),
        logarithmic(labels, [Part("n", "right", [3] * count)], None, says="s", banded="b"),
    ):
        image = drawn(markup)
        for bar in image.iter("rect"):
            left, width = float(bar.attrib["x"]), float(bar.attrib["width"])
            assert 0 <= left <= left + width <= WIDTH
            assert width > 0
        assert 0 < len(list(image.iter("text"))) < 30


def test_it_is_an_image_with_a_name_and_a_legend() -> None:
    markup = bars(["a"], [Part("touch <a> case", "right", [1])], says="Alerts & cases")
    image = drawn(markup)
    assert image.get("role") == "img"
    assert image.get("aria-label") == "Alerts & cases"
    assert "touch &lt;a&gt; case" in markup.partition("<svg")[0]
