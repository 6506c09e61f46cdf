"""Judges the guide on the page: what a step asks for, and whether both simulators show that it has happened.

A step never asks whether somebody pressed a button here: it looks at what Slack and Nomad now hold, so a person may go
there by any way, and a test may play the story without the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Json: TypeAlias = dict[str, Any]

# The text of a deploy's message, as product.md promises it to whoever reads along.
_HEAD = re.compile(
    r"^(?P<state>[A-Z][a-z ]+): (?P<service>\S+) (?P<version>\S+) to (?P<environment>\S+), asked by .*\((?P<id>D-\d+)\)"
)


@dataclass(frozen=True)
class DeployMessage:
    """A deploy's message in its channel: the words of its `text`, and the whole of its blocks as one string."""

    state: str
    deploy: str
    ts: str
    shown: str


class Scene:
    """What the simulators hold at one moment.

    Args:
        slack: the answer of Slack's `/sandbox/state?as=` by person; each person sees other ephemerals.
        nomad: the answer of Nomad's `/sandbox/state`.
    """

    def __init__(self, slack: dict[str, Json], nomad: Json) -> None:
        self._slack = slack
        self._nomad = nomad

    def deploys(self, service: str, version: str, environment: str) -> list[DeployMessage]:
        """The messages of the deploys of that version there, oldest first, whoever asked."""
        found = []
        for message in self._messages():
            head = _HEAD.match(message.get("text") or "")
            if head and (head["service"], head["version"], head["environment"]) == (service, version, environment):
                shown = "\n".join(_strings(message.get("blocks") or []))
                found.append(DeployMessage(head["state"], head["id"], message["ts"], shown))
        return sorted(found, key=lambda message: float(message.ts))

    def told_after_click(self, person: str, deploy: str) -> bool:
        """Whether that person clicked a button of that deploy, and was told something for their eyes only after it."""
        state = self._slack.get(person, {})
        clicks = [
            request["at"]
            for request in state.get("requests", [])
            if _clicked(request.get("payload") or {}, person, deploy)
        ]
        told = [one["at"] for one in state.get("ephemerals", []) if one.get("user") == person]
        return bool(clicks) and any(at >= min(clicks) for at in told)

    def told(self, person: str, words: str) -> bool:
        """Whether that person was told these words for their eyes only."""
        told = self._slack.get(person, {}).get("ephemerals", [])
        return any(words in (one.get("text") or "") for one in told if one.get("user") == person)

    def versions(self, service: str, namespace: str, tag: str) -> list[Json]:
        """The versions of that Nomad job whose image carries the tag; a stand-in has it in its VERSION alone."""
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
        what: what to do, and what to look at.
        done: whether it has happened.
        person: the id of the one to be, as the page's "set this up" makes one.
        channel: the id of the channel to be in.
        typed: what to type there; the page fills the composer with it, and sends nothing.
    """

    title: str
    what: str
    done: Callable[[Scene], bool]
    person: str | None = None
    channel: str | None = None
    typed: str | None = None

    def describe(self, *, done: bool) -> Json:
        """The step as the page gets it."""
        return {
            "title": self.title,
            "what": self.what,
            "person": self.person,
            "channel": self.channel,
            "typed": self.typed,
            "done": done,
        }


class Guide:
    """The steps of one sandbox's life. A step that is done stays done, whatever happens to what it looked at."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._done: set[int] = set()

    def judge(self, slack: dict[str, Json], nomad: Json) -> list[Json]:
        """The steps with what is done by now; see Scene for the arguments."""
        scene = Scene(slack, nomad)
        self._done |= {number for number, step in enumerate(self._steps) if step.done(scene)}
        return [step.describe(done=number in self._done) for number, step in enumerate(self._steps)]


def _clicked(payload: Json, person: str, deploy: str) -> bool:
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
