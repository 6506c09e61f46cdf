"""An audit event in plain words: what happened, on one line, without the time and without the actor's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from bot.domain.audit.events import EventType
from bot.domain.audit.history import Body
from bot.domain.catalog.release import release_name
from bot.domain.deploy.base import base_from
from bot.domain.deploy.dispatch import Answer
from bot.domain.deploy.sentences import replaced
from bot.domain.durations import in_words
from bot.domain.locks import LockScope

LONGEST: Final = 200
"""Characters of a sentence; a longer one is cut, and the event itself has all of it."""
_FINGERPRINT: Final = 12
_ACTS: Final = {
    "replan": ("plan ", " again"),
    "replace": ("let ", " replace the running rollout"),
    "retract": ("take back their approval of ", ""),
}
_ANSWERS: Final[Mapping[str, str]] = {
    Answer.LANDED: "was accepted",
    Answer.ACCEPTED: "was accepted",
    Answer.NO_OP: "changed nothing",
    Answer.CONFLICT: "came after another change of the job",
    Answer.DENIED: "was refused",
    Answer.FORBIDDEN: "was refused, for lack of a permission",
    Answer.NOT_SENT: "was not sent",
    Answer.UNKNOWN: "got no certain answer",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """An event in words, in three parts, so that a surface can link the deploy's number without searching for it.

    ``number`` is ``D-12``, or empty if the event is about no deploy or the sentence is cut before it.
    ``actor_is_subject``: the sentence starts with what the actor did (``approved D-12``); otherwise it is complete.
    """

    before: str
    number: str = ""
    after: str = ""
    actor_is_subject: bool = False

    @property
    def text(self) -> str:
        """The whole sentence on one line, at most ``LONGEST`` characters; no markup, unescaped."""
        return one_line(f"{self.before}{self.number}{self.after}")


def sentence(body: Body) -> Sentence:
    """What the event says happened, such as ``approved D-12 (1 of 2 approvals)``.

    An event type that this version does not know, because a newer version recorded it, is named instead.
    """
    describe = _SENTENCES.get(body["type"])
    found = describe(body, body.get("data", {})) if describe else Sentence(f"{body['type']} ", _number(body))
    return _bounded(found)


def one_line(text: str, most: int = LONGEST) -> str:
    """The text on one line, cut at ``most`` characters; nothing in it moves a cursor or changes the text direction."""
    return _cut(_spaced(text).strip(), most)


def _spaced(text: str) -> str:
    """The text with each run of spaces and unprintable characters as one space."""
    visible = "".join(each if each.isprintable() else " " for each in text)
    words = " ".join(visible.split())
    return f"{' ' * visible.startswith(' ')}{words}{' ' * (visible.endswith(' ') and bool(words))}"


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _bounded(found: Sentence) -> Sentence:
    """The sentence with each part on one line; the end is cut, and with it the number if that is where the end is."""
    before, after = _spaced(found.before).lstrip(), _spaced(found.after).rstrip()
    room = LONGEST - len(before) - len(found.number)
    if room <= 0:
        return Sentence(_cut(before + found.number + after, LONGEST), actor_is_subject=found.actor_is_subject)
    return Sentence(before, found.number, _cut(after, room), found.actor_is_subject)


_Data = Mapping[str, Any]
_Describe = Callable[[Body, _Data], Sentence]


def _catalog_applied(_: Body, data: _Data) -> Sentence:
    before, after = (str(data.get(key, ""))[:_FINGERPRINT] for key in ("before", "after"))
    instead = f", replacing {before}" if before else ", the first one"
    return Sentence(f"made catalog {after} active{instead}", actor_is_subject=True)


def _requested(body: Body, data: _Data) -> Sentence:
    again = "automatically, " if data.get("automatic") else "again, " if data.get("again") else ""
    source = f", promoted from {data['promotes']}" if data.get("promotes") else ""
    back = data.get("rollback") or {}
    source += f", rolling back{' ' if back['undoes'] else ''}{back['undoes']} to {back['to']}" if back else ""
    values = f", with {', '.join(data['set'])}" if data.get("set") else ""
    name = release_name(str(data.get("version")), data.get("revision", 1))
    what = f"{body.get('service')} {name} to {body.get('environment')}"
    after = _because(f"){source}{values}", data.get("reason"))
    return Sentence(f"requested {what} ({again}", _number(body), after, actor_is_subject=True)


def _refused(body: Body, data: _Data) -> Sentence:
    where = f" to {body['environment']}" if body.get("environment") else ""
    what = "".join(f" {each}" for each in (body.get("service"), data.get("version")) if each)
    return Sentence(f"was not allowed to deploy{what}{where}: {_codes(data)}", actor_is_subject=True)


def _action_refused(body: Body, data: _Data) -> Sentence:
    before, after = _ACTS.get(data.get("act", ""), (f"{data.get('act')} ", ""))
    # an act on no deploy says what it was about
    before, after = f"was not allowed to {before}{data.get('target', '')}", f"{after}: {_codes(data)}"
    return Sentence(before, _number(body), after, actor_is_subject=True)


def _planned(body: Body, data: _Data) -> Sentence:
    # without the number the event is older than that
    void = "; earlier approvals no longer count" if data.get("voided") and data.get("void_approvals", 1) else ""
    base = base_from(data.get("base"))
    old = f", to replace {replaced(base)}" if base and replaced(base) else ""
    after = _because(f", plan {data.get('plan')}{old}", f"{data.get('effect', '')}{void}")
    return Sentence("planned ", _number(body), after, actor_is_subject=True)


def _approved(body: Body, data: _Data) -> Sentence:
    seats = data.get("seats")
    count = f" ({data.get('filled')} of {seats} {'approval' if seats == 1 else 'approvals'})" if seats else ""
    return Sentence("approved ", _number(body), _because(count, data.get("note")), actor_is_subject=True)


def _ready(body: Body, data: _Data) -> Sentence:
    blocked = f", blocked by {', '.join(data['blocked'])}" if data.get("blocked") else ""
    return Sentence("", _number(body), _because(f" is ready{blocked}", data.get("detail")))


def _blocked(body: Body, data: _Data) -> Sentence:
    return Sentence("", _number(body), f" is blocked: {_codes(data)}" if data.get("codes") else " is no longer blocked")


def _attempted(body: Body, data: _Data) -> Sentence:
    return Sentence(f"sent attempt {data.get('number')} of ", _number(body), " to Nomad", actor_is_subject=True)


def _answered(body: Body, data: _Data) -> Sentence:
    answer = str(data.get("answer"))
    result = _ANSWERS.get(answer, f"was answered {answer}")
    return Sentence(f"attempt {data.get('number')} of ", _number(body), _because(f" {result}", data.get("text")))


def _landed(after: str) -> _Describe:
    """``Nomad registered D-12 AFTER as job version 4``."""

    def describe(body: Body, data: _Data) -> Sentence:
        version = data.get("job_version", -1)
        # -1: Nomad had already dropped that job version when we looked for it
        as_version = f" as job version {version}" if version >= 0 else ""
        return Sentence("Nomad registered ", _number(body), f"{after}{as_version}")

    return describe


def _reverted(body: Body, data: _Data) -> Sentence:
    status = "has started" if data.get("status") == "running" else data.get("status")
    return Sentence("Nomad's own revert of ", _number(body), f" {status}: job version {data.get('job_version')}")


def _ends(words: str) -> _Describe:
    """``D-12 WORDS 42s after it landed: detail``."""

    def describe(body: Body, data: _Data) -> Sentence:
        after = f" {in_words(timedelta(seconds=data['seconds']))} after it landed" if "seconds" in data else ""
        return Sentence("", _number(body), _because(f" {words}{after}", data.get("detail")))

    return describe


def _act(words: str, key: str = "", *, suffix: str = "") -> _Describe:
    """``WORDS D-12 SUFFIX: the data under that key``, with the actor as its subject."""

    def describe(body: Body, data: _Data) -> Sentence:
        after = _because(suffix, data.get(key) or data.get("detail"))
        return Sentence(f"{words} ", _number(body), after, actor_is_subject=True)

    return describe


def _shown(body: Body, data: _Data) -> Sentence:
    return Sentence(f"was shown plan {data.get('plan')} of ", _number(body), actor_is_subject=True)


def _resolved(body: Body, data: _Data) -> Sentence:
    after = _because(f" as {data.get('resolution')}", data.get("reason"))
    return Sentence("resolved ", _number(body), after, actor_is_subject=True)


def _needs_approval(body: Body, data: _Data) -> Sentence:
    return Sentence("", _number(body), _because(" needs approval again", data.get("cause") or data.get("detail")))


def _lock_of(body: Body) -> str:
    return LockScope(body.get("service", ""), body.get("environment", "")).name


def _locked(body: Body, data: _Data) -> Sentence:
    until = f" until {data['until'][:16].replace('T', ' ')} UTC" if data.get("until") else ""
    return Sentence(_because(f"locked {_lock_of(body)}{until}", data.get("reason")), actor_is_subject=True)


def _unlocked(body: Body, data: _Data) -> Sentence:
    return Sentence(_because(f"lifted the lock on {_lock_of(body)}", data.get("reason")), actor_is_subject=True)


def _lock_expired(body: Body, data: _Data) -> Sentence:
    return Sentence(_because(f"the lock on {_lock_of(body)} has ended", data.get("locked")))


_E = EventType
_SENTENCES: Final[Mapping[str, _Describe]] = {
    _E.CATALOG_APPLIED: _catalog_applied,
    _E.DEPLOY_REQUESTED: _requested,
    _E.DEPLOY_REFUSED: _refused,
    _E.DEPLOY_PLANNED: _planned,
    _E.DEPLOY_REPLANNING: _act("sent", "cause", suffix=" back to planning"),
    _E.DEPLOY_APPROVED: _approved,
    _E.DEPLOY_RETRACTED: _act("took back their approval of"),
    _E.DEPLOY_REJECTED: _act("rejected", "reason"),
    _E.DEPLOY_REPLACES: _act("let", suffix=" replace the running rollout"),
    _E.DEPLOY_WITHDRAWN: _act("withdrew"),
    _E.DEPLOY_EXPIRED: _ends("expired"),
    _E.DEPLOY_READY: _ready,
    _E.DEPLOY_WAITING: _needs_approval,
    _E.DEPLOY_BLOCKED: _blocked,
    _E.DEPLOY_DISPATCHING: _act("dispatched"),
    _E.DEPLOY_ATTEMPTED: _attempted,
    _E.DEPLOY_ANSWERED: _answered,
    _E.DEPLOY_LANDED: _landed(""),
    _E.DEPLOY_UNCHANGED: _ends("changed nothing"),
    _E.DEPLOY_INVALID: _ends("is invalid"),
    _E.DEPLOY_SUCCEEDED: _ends("succeeded"),
    _E.DEPLOY_FAILED: _ends("failed"),
    _E.DEPLOY_SUPERSEDED: _ends("was superseded"),
    _E.DEPLOY_REVERTED: _reverted,
    _E.ACTION_REFUSED: _action_refused,
    _E.DEPLOY_STUCK: _ends("is stuck"),
    _E.DEPLOY_MOVING: _ends("makes progress again"),
    _E.DEPLOY_SHOWN: _shown,
    _E.DEPLOY_RESOLVED: _resolved,
    _E.DEPLOY_LANDED_LATE: _landed(", after that had ended,"),
    _E.DEPLOY_DEVIATED: _ends("no longer runs without a break"),
    _E.LOCK_PLACED: _locked,
    _E.LOCK_LIFTED: _unlocked,
    _E.LOCK_EXPIRED: _lock_expired,
}


def _number(body: Body) -> str:
    return f"D-{body['deploy']}" if "deploy" in body else ""


def _codes(data: _Data) -> str:
    return ", ".join(data.get("codes", ())) or "no reason recorded"


def _because(words: str, why: object) -> str:
    return f"{words}: {why}" if why else words
