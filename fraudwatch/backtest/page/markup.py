"""HTML that cannot be broken out of: whatever is not `Html` already is text, and is escaped.

Texts come from records, and records from anybody. So nothing in the page is put together from strings: an element is
made by `element`, which escapes what it is given, its attributes too.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from fraudwatch.alerts.written import SPACE

LONGEST: Final = 1_000
"""Characters of any one text: a paragraph fits, and nothing that came from a record can swell the page."""
LONGEST_SENTENCE: Final = 400
"""Characters of a headline, a reason or its innocent explanation: the longest of ours is half of that."""
LONGEST_NAME: Final = 48
"""Characters of an id, a typology, a value of a setting."""
_VOID = {"meta", "rect", "line", "path", "circle"}


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def text(value: str) -> Html:
    """Escaped and clipped; what cannot be printed (control characters, marks that turn text around) is a dot."""
    return Html(escape("".join(_printable(character) for character in clipped(value, LONGEST))))


def clipped(value: str, longest: int = LONGEST_NAME) -> str:
    """The beginning of what is too long for its place."""
    return value if len(value) <= longest else value[: longest - 1] + "…"


def element(tag: str, *children: str | None, **attributes: str | float | None) -> Html:
    """`<tag attributes>children</tag>`. None is left out; `class_` is `class`, `stroke_width` is `stroke-width`."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{named}>" if tag == "meta" else f"<{tag}{named}/>")
    return Html(f"<{tag}{named}>{joined(*children)}</{tag}>")


def joined(*children: str | None) -> Html:
    """One after the other, texts escaped."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children if child))


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, caption: str) -> Html:
    """With a caption; columns whose head begins with `#` hold numbers and stand to the right."""
    classes = ["number" if head.startswith("#") else None for head in heads]
    cells = [
        element("th", head.removeprefix("#"), scope="col", class_=kind)
        for head, kind in zip(heads, classes, strict=True)
    ]
    body = [
        element(
            "tr",
            *(
                element("th", cell, scope="row") if place == 0 else element("td", cell, class_=kind)
                for place, (cell, kind) in enumerate(zip(row, classes, strict=True))
            ),
        )
        for row in rows
    ]
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *cells)),
        element("tbody", *body),
    )
    return element("div", made, class_="wide", tabindex="0", role="region", aria_label=caption)


def _printable(character: str) -> str:
    if character.isprintable() or character == SPACE:
        return character
    return " " if character.isspace() else "·"


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
