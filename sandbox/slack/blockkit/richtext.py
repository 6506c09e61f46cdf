"""Shapes of rich text (docs.slack.dev, reference/block-kit/blocks/rich-text-block)."""

from __future__ import annotations

from sandbox.slack.blockkit.shapes import Anything, Arr, Flag, Num, Obj, Shape, Str, Typed
from sandbox.slack.blockkit.texts import ID, TYPE, URL

_STYLE = Obj(
    {
        name: Flag()
        for name in ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
    }
)


def _inline(needs: tuple[str, ...], **fields: Shape) -> Obj:
    return Obj({"type": TYPE, "style": _STYLE, **fields}, needs=needs)


_INLINE: dict[str, Shape] = {
    "text": _inline(("text",), text=Str(least=1)),
    "link": _inline(("url",), url=URL, text=Str(), unsafe=Flag()),
    "emoji": _inline(("name",), name=Str(least=1), unicode=Str(), url=Str(), skin_tone=Num(1, 6)),
    "user": _inline(("user_id",), user_id=Str(least=1)),
    "usergroup": _inline(("usergroup_id",), usergroup_id=Str(least=1)),
    "channel": _inline(("channel_id",), channel_id=Str(least=1)),
    "team": _inline(("team_id",), team_id=Str(least=1)),
    "broadcast": _inline(("range",), range=Str(one_of=frozenset({"here", "channel", "everyone"}))),
    "color": _inline(("value",), value=Str(least=1)),
    "date": _inline(("timestamp", "format"), timestamp=Num(0), format=Str(least=1), url=URL, fallback=Str()),
    "citation": Anything(),
}
_LINE = Arr(Typed(_INLINE))
_BORDER = Num(0, 1)
_SECTION = Obj({"type": TYPE, "elements": _LINE}, needs=("elements",))
_PARTS: dict[str, Shape] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": Obj(
        {"type": TYPE, "elements": _LINE, "border": _BORDER, "language": Str()}, needs=("elements",)
    ),
    "rich_text_quote": Obj({"type": TYPE, "elements": _LINE, "border": _BORDER}, needs=("elements",)),
    "rich_text_list": Obj(
        {
            "type": TYPE,
            "style": Str(one_of=frozenset({"bullet", "ordered"})),
            "elements": Arr(Typed({"rich_text_section": _SECTION})),
            "indent": Num(0, 8),
            "offset": Num(0),
            "border": _BORDER,
        },
        needs=("style", "elements"),
    ),
}
RICH_TEXT = Typed(
    {"rich_text": Obj({"type": TYPE, "block_id": ID, "elements": Arr(Typed(_PARTS))}, needs=("elements",))}
)
