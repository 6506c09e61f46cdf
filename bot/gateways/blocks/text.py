"""The one place where untrusted text becomes Slack's mrkdwn: escaped, cleaned of tricks, and capped.

Slack reads ``<...>`` as mentions and links, so every ``&``, ``<`` and ``>`` that is not ours is escaped
(https://docs.slack.dev/messaging/formatting-message-text#escaping). Mentions come from validated ids alone.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

ELLIPSIS: Final = "…"
SECTION: Final = 3000
"""Most characters of a text object."""
FIELD: Final = 2000
"""Most characters of one field of a section."""

# a mention is a notification: only what has the form of an id ever becomes one
_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{2,}")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# bidi marks, embeddings, overrides and isolates; zero-width characters; the soft hyphen; Unicode's tag characters
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# a letter that looks like a back-tick and ends no code
_CODE_MARKS = str.maketrans({"`": "ˋ", "\n": " ", "\t": " "})


def clean(text: str) -> str:
    """The text without control, bidi and zero-width characters; line breaks and tabs stay, lone surrogates do not."""
    visible = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(char for char in visible if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"})


def one_line(text: str) -> str:
    """The cleaned text with every run of white space as one space."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters; the last one is an ellipsis if anything was cut."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + ELLIPSIS


def escape(text: str, limit: int = SECTION) -> str:
    """Untrusted text as mrkdwn of at most ``limit`` characters; an entity is never cut in two.

    A fence of three back-ticks would swallow what follows it, so it is broken up.
    """
    # character by character: cutting first leaves too much once escaped, cutting last may break an entity
    parts: list[str] = []
    room = limit
    for char in clean(text).replace("```", "ˋˋˋ"):
        part = _ENTITIES.get(char, char)
        room -= len(part)
        if room < 0:
            return _shortened(parts, limit)
        parts.append(part)
    return "".join(parts)


def _shortened(parts: list[str], limit: int) -> str:
    while parts and sum(map(len, parts)) > limit - 1:
        parts.pop()
    return "".join(parts).rstrip() + ELLIPSIS


def words(text: str, limit: int = SECTION) -> str:
    """Untrusted text as mrkdwn on one line."""
    return escape(one_line(text), limit)


def code(text: str, limit: int = 300) -> str:
    """Untrusted text between back-ticks; nothing in it can end them."""
    inner = escape(one_line(text).translate(_CODE_MARKS), limit)
    # two back-ticks with nothing between them would open code instead of being it
    return f"`{inner}`" if inner else "`-`"


def block_quote(text: str, limit: int = 600) -> str:
    """Untrusted text as a block quote, without its empty lines."""
    lines = [line.strip() for line in clean(text).split("\n")]
    shown = escape("\n".join(line for line in lines if line), limit)
    return "\n".join(f"> {line}" for line in shown.split("\n"))


def is_person(user: str) -> bool:
    """Whether it has the form of a person's id, and may be mentioned."""
    return _USER.fullmatch(user) is not None


def person(user: str) -> str:
    """A mention of a person; an id that is none is shown as code, never mentioned."""
    return f"<@{user}>" if is_person(user) else code(user, 80)


def group(usergroup: str) -> str:
    """A mention of a user group; an id that is none is shown as code."""
    return f"<!subteam^{usergroup}>" if _GROUP.fullmatch(usergroup) else code(usergroup, 80)


def channel(channel_id: str) -> str:
    """A link to a channel; an id that is none is shown as code."""
    return f"<#{channel_id}>" if _CHANNEL.fullmatch(channel_id) else code(channel_id, 80)


def who(users: Iterable[str], groups: Iterable[str], limit: int = 12) -> str:
    """Groups and people as a list of mentions; empty if there are none."""
    mentions = [group(each) for each in groups] + [person(each) for each in users]
    more = len(mentions) - limit
    return ", ".join(mentions[:limit]) + (f" and {more} more" if more > 0 else "")


def moment(instant: datetime) -> str:
    """An instant in the reader's own time zone; in UTC if the client cannot show that."""
    # Slack wants a fallback for clients that cannot compute dates; one zone for all of them, and named
    fallback = instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(instant.timestamp())}^{{date_short_pretty}} at {{time}}|{fallback}>"


def second(instant: datetime) -> str:
    """An instant to the second in the reader's own time zone, dates in the form that sorts; in UTC as ``moment``."""
    fallback = instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"<!date^{int(instant.timestamp())}^{{date_num}} {{time_secs}}|{fallback}>"


def link(url: str, label: str) -> str:
    """A link to an http(s) address; anything else is shown as its label alone."""
    # a bar would end the address and begin the label
    shown = words(label, 150).replace("|", "¦") or "link"
    safe = web_address(url)
    return f"<{safe.replace('&', '&amp;')}|{shown}>" if safe else shown


def web_address(url: str) -> str | None:
    """The address with Slack's own marks percent-encoded; None if it is not http(s), or too long."""
    try:
        parts = urlsplit(one_line(url))
    except ValueError:
        return None
    # plain http stays: a cluster's own page may be on a company network; a name before the host hides where it leads
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return None
    encoded = quote(one_line(url), safe="%/:=&?~#+!$,;'@()*[]")
    return encoded if len(encoded) <= 2000 else None


def fit(lines: Iterable[str], limit: int = SECTION, pointer: str = "_… more in the thread_") -> str:
    """As many whole lines as fit, then the pointer. Our own ``<...>`` is never cut. Each line alone must fit."""
    kept: list[str] = []
    room = limit
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*_with_room(kept, limit - len(pointer) - 1), pointer])
        kept.append(line)
    return "\n".join(kept)


def _with_room(lines: list[str], limit: int) -> list[str]:
    kept = list(lines)
    while kept and sum(len(line) + 1 for line in kept) > limit:
        kept.pop()
    return kept
