"""The state of the simulated Slack as plain records; each change wakes everyone who waits for one."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.slack.workspace import Workspace

Json: TypeAlias = dict[str, Any]

CALLS_KEPT = 5_000
DELIVERIES_KEPT = 500
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass
class Revision:
    """The content of a message at one time; old revisions stay, for clicks on an outdated message."""

    text: str
    blocks: list[Json]
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None


@dataclass
class Message:
    """A message of the app in a channel, a thread or a direct message."""

    ts: str
    channel: str
    user: str
    now: Revision
    thread_ts: str | None = None
    edited: Json | None = None
    deleted: bool = False
    earlier: list[Revision] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    files: list[Json] = field(default_factory=list)

    def revise(self, revision: Revision) -> None:
        """Make `revision` the current content, and keep the old one."""
        self.earlier.append(self.now)
        self.now = revision


@dataclass
class Ephemeral:
    """A message that only one person sees; `sender` is "app", or "slackbot" for messages from Slack's client."""

    id: str
    channel: str
    user: str
    text: str
    blocks: list[Json]
    at: float
    thread_ts: str | None = None
    sender: str = "app"


@dataclass
class OpenView:
    """A modal on a person's screen, or a person's App Home; `view` is Slack's view object without its state."""

    id: str
    user: str
    view: Json
    root: str
    previous: str | None = None
    inputs: Json = field(default_factory=dict)  # block_id -> action_id -> the element's state
    errors: dict[str, str] | None = None


@dataclass
class ApiCall:
    """One Web API call of the app, as `/sandbox/calls` shows it; the arguments never include the token."""

    at: float
    method: str
    args: Json
    ok: bool = False
    error: str | None = None
    status: int | None = None


@dataclass
class Delivery:
    """One HTTP request to the app: its payload, and the app's answer within Slack's time limit."""

    at: float
    kind: str
    payload: Json
    body: str
    headers: dict[str, str]
    status: int | None = None
    ms: float = 0.0
    answer: str = ""
    error: str | None = None
    no_retry: bool = False


@dataclass
class ResponseUrl:
    """A response_url and its source: a command (no source), or a click on a message or an ephemeral."""

    key: str
    channel: str
    user: str
    expires: float
    posts_left: int = 5
    message_ts: str | None = None
    ephemeral: str | None = None


class State:
    """The whole state of one simulated workspace. `now` returns Unix seconds; tests may replace it."""

    def __init__(self, workspace: Workspace, now: Callable[[], float] = time.time) -> None:
        self.workspace = workspace
        self.now = now
        self.messages: dict[tuple[str, str], Message] = {}
        self.ephemerals: dict[str, Ephemeral] = {}
        self.views: dict[str, OpenView] = {}  # modals, oldest first: a person's last one is on top
        self.homes: dict[str, OpenView] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.files: dict[str, Json] = {}
        self.calls: deque[ApiCall] = deque(maxlen=CALLS_KEPT)
        self.deliveries: deque[Delivery] = deque(maxlen=DELIVERIES_KEPT)
        self.index = 0
        self._last_ts = 0
        self._moved = asyncio.Event()

    def changed(self) -> None:
        """Wake everyone who waits for a visible change."""
        self.index += 1
        # A new event for the next change, so that everyone who waits on the old one wakes exactly once.
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait_for_change(self, seen: int) -> int:
        """Wait until the index differs from `seen`, and return it."""
        while self.index == seen:
            await self._moved.wait()
        return self.index

    def new_ts(self) -> str:
        """A new message timestamp with seconds and microseconds; always higher than the last one."""
        # Two messages in one microsecond, or after the clock was set back, must not share or swap timestamps.
        self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A new id in Slack's style: a letter for the kind, and ten letters or digits."""
        return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(10))

    def message(self, channel: str, ts: str) -> Message | None:
        """The message at that timestamp; None if there is none or it was deleted."""
        found = self.messages.get((channel, ts))
        return None if found is None or found.deleted else found

    def replies(self, parent: Message) -> list[Message]:
        """The replies to a message, oldest first, without deleted ones."""
        here = (one for one in self.messages.values() if one.channel == parent.channel)
        return [one for one in here if one.thread_ts == parent.ts and not one.deleted]

    def stack(self, user: str) -> list[OpenView]:
        """The modals on that person's screen, lowest first."""
        return [one for one in self.views.values() if one.user == user]
