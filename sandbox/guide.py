"""The guide on the page: its steps, and whether the state of both simulators shows that a step is done.

A step never depends on a button of the page. It reads the state of Slack and Nomad, so a person may get there in any
way, and a test may play the story without the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Json: TypeAlias = dict[str, Any]

# The start of a deploy's message, as docs/slack.md describes it: `STATE: SERVICE VERSION to ENV, ... (D-n)`.
_HEAD = re.compile(
    r"^(?P<state>[A-Z][a-z ]+): (?P<service>\S+) (?P<version>\S+) to (?P<environment>[^\s,]+).*\((?P<id>D-\d+)\)"
)


@dataclass(frozen=True)
class DeployMessage:
    """A deploy's message in its channel: state and deploy id from its text, and all texts of its blocks joined."""

    state: str
    deploy: str
    ts: str
    block_texts: str


class Scene:
    """The state of both simulators at one moment.

    Args:
        slack: for each person the answer of Slack's `/sandbox/state?as=`; each person sees their own ephemerals.
        nomad: the answer of Nomad's `/sandbox/state`.
    """

    def __init__(self, slack: dict[str, Json], nomad: Json) -> None:
        self._slack = slack
        self._nomad = nomad

    def deploys(self, service: str, version: str, environment: str) -> list[DeployMessage]:
        """The messages of all deploys of that version to that environment, oldest first."""
        found = []
        for message in self._messages():
            head = _HEAD.match(message.get("text") or "")
            if head and (head["service"], head["version"], head["environment"]) == (service, version, environment):
                texts = "\n".join(_strings(message.get("blocks") or []))
                found.append(DeployMessage(head["state"], head["id"], message["ts"], texts))
        return sorted(found, key=lambda message: float(message.ts))

    def has_private_reply_to_click(self, person: str, deploy: str) -> bool:
        """Whether that person clicked a button of that deploy and then got a message that only they can see."""
        state = self._slack.get(person, {})
        clicks = [
            request["at"]
            for request in state.get("requests", [])
            if _is_click(request.get("payload") or {}, person, deploy)
        ]
        replies = [one["at"] for one in state.get("ephemerals", []) if one.get("user") == person]
        return bool(clicks) and any(at >= min(clicks) for at in replies)

    def has_private_reply_to_command(self, person: str, command: str, part: str) -> bool:
        """Whether that person sent `/deploy` with a text that starts so and then got a private reply with `part`."""
        state = self._slack.get(person, {})
        commands = [
            request["at"]
            for request in state.get("requests", [])
            if _is_command(request.get("payload") or {}, person, command)
        ]
        replies = [
            one["at"]
            for one in state.get("ephemerals", [])
            if one.get("user") == person and part in (one.get("text") or "")
        ]
        return bool(commands) and any(at >= min(commands) for at in replies)

    def versions(self, service: str, namespace: str, tag: str) -> list[Json]:
        """The versions of that Nomad job whose image has the tag, or whose VERSION is the tag (jobs without Docker)."""
        return [
            version
            for job in self._nomad.get("jobs", [])
            if (job["id"], job["namespace"]) == (service, namespace)
            for version in job.get("versions", [])
            if (version.get("image") or "").endswith(tag) or (version.get("env") or {}).get("VERSION") == tag
        ]

    def _messages(self) -> Iterator[Json]:
        for channel in next(iter(self._slack.values()), {}).get("channels", []):
            yield from (message for message in channel.get("messages", []) if not message.get("deleted"))


@dataclass(frozen=True)
class Step:
    """One step of the guide.

    Args:
        title: two or three words.
        text: one or two sentences: what to do, and what to look at.
        done: says whether the step is done.
        person: the id of the person who acts; the page offers to switch to them.
        channel: the id of the channel in which they act.
        command: the command to type there; the page puts it into the message box and does not send it.
    """

    title: str
    text: str
    done: Callable[[Scene], bool]
    person: str | None = None
    channel: str | None = None
    command: str | None = None

    def describe(self, *, done: bool) -> Json:
        """The step as JSON for the page."""
        return {
            "title": self.title,
            "text": self.text,
            "person": self.person,
            "channel": self.channel,
            "command": self.command,
            "done": done,
        }


class Guide:
    """The guide's steps and which of them are done. A step that was done once stays done."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._done: set[int] = set()

    def update(self, slack: dict[str, Json], nomad: Json) -> list[Json]:
        """Checks every step against the simulators' state (see Scene) and returns the steps as JSON for the page."""
        scene = Scene(slack, nomad)
        self._done |= {number for number, step in enumerate(self._steps) if step.done(scene)}
        return [step.describe(done=number in self._done) for number, step in enumerate(self._steps)]


def _is_command(payload: Json, person: str, command: str) -> bool:
    wanted = {"command": "/deploy", "user_id": person}
    return wanted.items() <= payload.items() and str(payload.get("text", "")).strip().startswith(command)


def _is_click(payload: Json, person: str, deploy: str) -> bool:
    by = (payload.get("user") or {}).get("id")
    values = [str(action.get("value", "")) for action in payload.get("actions") or []]
    return payload.get("type") == "block_actions" and by == person and any(v.split(":")[0] == deploy for v in values)


def _strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
