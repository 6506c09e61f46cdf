"""The switches of the control API (failing tasks, rules for the next registers, outages), and the registers it saw."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sandbox.nomad.pretence import Pretence

if TYPE_CHECKING:
    from sandbox.nomad.records import JobKey, Json

Outage = Literal["none", "refuse", "hang", "html", "error500", "forbidden"]
OUTAGES = ("none", "refuse", "hang", "html", "error500", "forbidden")
ANY = "*"


def mentions(task: Json, match: str) -> bool:
    """Whether the task's config or environment contains the text."""
    return match in json.dumps([task["Config"], task["Env"]], ensure_ascii=False)


@dataclass(frozen=True)
class Failing:
    """A rule that makes tasks exit with code 1: tasks of a job ("*" for any job) that contain a text."""

    namespace: str
    job: str
    match: str

    def hits(self, key: JobKey, task: Json) -> bool:
        """Whether the rule applies to this task of this job."""
        mine = self.namespace in {ANY, key.namespace} and self.job in {ANY, key.id}
        return mine and mentions(task, self.match)


@dataclass(frozen=True)
class RegisterRule:
    """A rule for one of the next registers, of any job ("*") or of one job; `seconds` are wall time."""

    apply: bool = True
    when: str = "before"
    answer: str | tuple[int, str] = "normal"
    seconds: float = 0.0
    namespace: str = ANY
    job: str = ANY

    def meant_for(self, namespace: str, job: str) -> bool:
        """Whether the rule applies to a register of this job."""
        return self.namespace in {ANY, namespace} and self.job in {ANY, job}


@dataclass
class Switches:
    """The current state of all switches."""

    failing: list[Failing] = field(default_factory=list)
    next_registers: list[RegisterRule] = field(default_factory=list)
    registers: list[Json] = field(default_factory=list)
    outage: str = "none"
    memory_mb: int = 0
    outage_changed: asyncio.Event = field(default_factory=asyncio.Event)
    pretence: Pretence = field(default_factory=Pretence)

    def fails(self, key: JobKey, task: Json) -> bool:
        """Whether a task should exit with code 1."""
        return any(one.hits(key, task) for one in self.failing)

    def set_failing(self, failing: Failing, *, on: bool) -> None:
        """Switch failing tasks on or off."""
        others = [one for one in self.failing if one != failing]
        self.failing = [*others, failing] if on else others

    def set_outage(self, mode: str) -> None:
        """Start or end an outage, and release the calls that `hang` holds."""
        self.outage = mode
        # the old event stays set for the calls that wait on it; the next outage gets its own
        self.outage_changed.set()
        self.outage_changed = asyncio.Event()

    def next_rule(self, namespace: str, job: str) -> RegisterRule:
        """The rule for a register of that job that has just arrived: takes the first rule that applies."""
        for index, rule in enumerate(self.next_registers):
            if rule.meant_for(namespace, job):
                return self.next_registers.pop(index)
        return RegisterRule()

    def describe(self) -> Json:
        """The switches as JSON for the page."""
        return {
            "fail": [{"namespace": one.namespace, "job": one.job, "match": one.match} for one in self.failing],
            "next_registers": [
                {
                    "apply": one.apply,
                    "when": one.when,
                    "answer": one.answer
                    if isinstance(one.answer, str)
                    else {"status": one.answer[0], "text": one.answer[1]},
                    "seconds": one.seconds,
                    "namespace": one.namespace,
                    "job": one.job,
                }
                for one in self.next_registers
            ],
            "outage": self.outage,
            "memory_mb": self.memory_mb,
        }
