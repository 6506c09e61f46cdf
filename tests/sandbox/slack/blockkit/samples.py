"""Small valid pieces of Block Kit, with everything about them changeable."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
URL = "https://example.com/"


def plain(text: str = "x") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Json:
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **more}


def button(**more: Any) -> Json:
    return {"type": "button", "action_id": "go", "text": plain(), **more}


def confirm(**more: Any) -> Json:
    return {"title": plain(), "text": plain(), "confirm": plain("Yes"), "deny": plain("No"), **more}


def option(number: int = 0, **more: Any) -> Json:
    return {"text": plain(f"o{number}"), "value": f"v{number}", **more}


def options(count: int) -> list[Json]:
    return [option(number) for number in range(count)]


def group(count: int = 1, **more: Any) -> Json:
    return {"label": plain(), "options": options(count), **more}


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "go", "options": options(1), **more}


def accessory(element: Json) -> list[Json]:
    return [section(accessory=element)]


def actions(*elements: Json) -> list[Json]:
    return [{"type": "actions", "elements": list(elements)}]


def field(element: Json | None = None, **more: Any) -> Json:
    typed = element or {"type": "plain_text_input", "action_id": "go"}
    return {"type": "input", "label": plain("Why"), "element": typed, **more}


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "title": plain("Deploy"),
        "submit": plain("Go"),
        "blocks": list(blocks) or [section()],
        **more,
    }


def typed(**more: Any) -> Json:
    return modal(field({"type": "plain_text_input", "action_id": "go", **more}))


def image(**more: Any) -> Json:
    return {"type": "image", "image_url": "https://example.com/i.png", "alt_text": "a picture", **more}


def video(**more: Any) -> Json:
    return {
        "type": "video",
        "alt_text": "a film",
        "title": plain(),
        "thumbnail_url": "https://example.com/t.png",
        "video_url": "https://example.com/v",
        **more,
    }


def card(**more: Any) -> Json:
    return {"type": "card", "title": plain(), **more}


def container(*blocks: Json, **more: Any) -> Json:
    return {"type": "container", "title": plain(), "child_blocks": list(blocks) or [section()], **more}


def table(rows: int, columns: int, **more: Any) -> list[Json]:
    return [{"type": "table", "rows": [[raw() for _ in range(columns)] for _ in range(rows)], **more}]


def raw(text: str = "x") -> Json:
    return {"type": "raw_text", "text": text}


def data_table(rows: int, columns: int = 1, text: str = "x", **more: Any) -> list[Json]:
    cells = [[raw(text) for _ in range(columns)] for _ in range(rows)]
    return [{"type": "data_table", "caption": "jobs", "rows": cells, **more}]


def pie(count: int, label: str = "x", value: int = 1) -> list[Json]:
    segments = [{"label": label, "value": value} for _ in range(count)]
    return [{"type": "data_visualization", "title": "Deploys", "chart": {"type": "pie", "segments": segments}}]


def bars(series: int = 1, points: int = 1, **axes: Any) -> list[Json]:
    data = [{"label": f"c{number}", "value": 1} for number in range(points)]
    chart = {
        "type": "bar",
        "series": [{"name": f"s{number}", "data": data} for number in range(series)],
        "axis_config": {"categories": [f"c{number}" for number in range(points)]} | axes,
    }
    return [{"type": "data_visualization", "title": "Deploys", "chart": chart}]


def task(number: int = 0, status: str = "complete") -> Json:
    return {"type": "task_card", "task_id": f"t{number}", "title": "Canary", "status": status}


def plan(count: int) -> list[Json]:
    return [{"type": "plan", "title": "Rollout", "tasks": [task(number, "pending") for number in range(count)]}]


def feedback(**more: Any) -> list[Json]:
    good, bad = {"text": plain("Good"), "value": "1"}, {"text": plain("Bad"), "value": "0"}
    element = {
        "type": "feedback_buttons",
        "action_id": "go",
        "positive_button": {**good, **more},
        "negative_button": bad,
    }
    return [{"type": "context_actions", "elements": [element]}]


def icon(number: int = 0, **more: Any) -> Json:
    return {"type": "icon_button", "action_id": f"go{number}", "icon": "trash", "text": plain("Delete"), **more}


def multi(kind: str, count: int) -> Json:
    return {"type": kind, "action_id": "go", "options": options(count)}


def rich(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": list(parts)}


def line(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def twice(blocks: list[Json]) -> Json:
    """A chart with its only series two times."""
    chart = blocks[0]["chart"]
    return {**blocks[0], "chart": {**chart, "series": chart["series"] * 2}}
