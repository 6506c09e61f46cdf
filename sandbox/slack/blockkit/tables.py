"""Shapes of tables, data tables and charts, which have limits across several cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.slack.blockkit.richtext import RICH_TEXT
from sandbox.slack.blockkit.shapes import Arr, Flag, Num, Obj, Problem, Shape, Str, Typed
from sandbox.slack.blockkit.texts import ID, TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.slack.blockkit.shapes import Rule

# The limit for all cells together; it is per message in Slack, but a message has at most one table.
TABLE_TEXT = 10_000
DATA_TABLE_TEXT = 20_000

_NUMBER = Num(fractions=True)


def _cells(least_text: int) -> dict[str, Shape]:
    return {
        "raw_text": Obj({"type": TYPE, "text": Str(least=least_text), "emoji": Flag()}, needs=("text",)),
        "raw_number": Obj({"type": TYPE, "value": _NUMBER, "text": Str(least=1)}, needs=("value",)),
        **RICH_TEXT.table,
    }


def text_in(value: Any) -> int:
    """The number of characters in all `text` strings anywhere in a JSON value."""
    if isinstance(value, list):
        return sum(text_in(one) for one in value)
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    return (len(own) if isinstance(own, str) else 0) + sum(text_in(one) for one in value.values())


def _even_rows(value: dict[str, Any], at: str) -> Iterator[Problem]:
    width = len(value["rows"][0])
    for number, row in enumerate(value["rows"]):
        if len(row) != width:
            yield Problem(f"{at}/rows/{number}", f"must have {width} cells", "uneven_rows", width, len(row))
    if value.get("row_header_column_index", 0) >= width:
        yield Problem(f"{at}/row_header_column_index", f"must be less than {width}", "too_large", width - 1)


def _plain_header(value: dict[str, Any], at: str) -> Iterator[Problem]:
    for number, cell in enumerate(value["rows"][0]):
        if cell["type"] == "rich_text":
            yield Problem(f"{at}/rows/0/{number}/type", "unsupported type: rich_text", "unsupported_type")


def _bounded_text(most: int) -> Rule:
    """The rule that all cells together have at most that many characters."""

    def check(value: dict[str, Any], at: str) -> Iterator[Problem]:
        total = text_in(value["rows"])
        if total > most:
            wording = f"must be less than {most + 1} characters in total"
            yield Problem(f"{at}/rows", wording, "too_long", most, total)

    return check


_COLUMN = Obj({"align": Str(one_of=frozenset({"left", "center", "right"})), "is_wrapped": Flag()})
TABLE = Obj(
    {
        "type": TYPE,
        "block_id": ID,
        "rows": Arr(Arr(Typed(_cells(0)), 20, 1), 100, 1),
        "column_settings": Arr(_COLUMN, 20),
    },
    needs=("rows",),
    rules=(_bounded_text(TABLE_TEXT),),
)

DATA_TABLE = Obj(
    {
        "type": TYPE,
        "block_id": ID,
        "caption": Str(least=1),
        # The documentation's older copies say 101 rows; the newer 201 is what the libraries implement.
        "rows": Arr(Arr(Typed(_cells(1)), 20, 1), 201, 2),
        "page_size": Num(1, 100),
        "row_header_column_index": Num(0),
    },
    needs=("caption", "rows"),
    rules=(_even_rows, _plain_header, _bounded_text(DATA_TABLE_TEXT)),
)

_LABEL = Str(20, 1)
_POINT = Obj({"label": _LABEL, "value": _NUMBER}, needs=("label", "value"))
_SERIES = Obj({"name": _LABEL, "data": Arr(_POINT, 20, 1)}, needs=("name", "data"))
_AXES = Obj(
    {"categories": Arr(_LABEL, 20, 1), "x_label": Str(50), "y_label": Str(50)},
    needs=("categories",),
)
_SEGMENT = Obj({"label": _LABEL, "value": Num(above=0, fractions=True)}, needs=("label", "value"))


def _points_on_axis(value: dict[str, Any], at: str) -> Iterator[Problem]:
    categories = sorted(value["axis_config"]["categories"])
    names = [one["name"] for one in value["series"]]
    if len(set(names)) < len(names) or len(set(categories)) < len(categories):
        yield Problem(at, "series names and categories must be unique", "duplicate")
    for number, one in enumerate(value["series"]):
        if sorted(point["label"] for point in one["data"]) != categories:
            yield Problem(f"{at}/series/{number}/data", "must have one point for every category", "uneven_rows")


_AXIS_CHART = Obj(
    {"type": TYPE, "series": Arr(_SERIES, 12, 1), "axis_config": _AXES},
    needs=("series", "axis_config"),
    rules=(_points_on_axis,),
)
CHART = Typed(
    {
        "pie": Obj({"type": TYPE, "segments": Arr(_SEGMENT, 12, 1)}, needs=("segments",)),
        "bar": _AXIS_CHART,
        "area": _AXIS_CHART,
        "line": _AXIS_CHART,
    }
)
