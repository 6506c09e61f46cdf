"""An audit event in plain words: what happened, on one line, without the time and without who did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from bot.domain.audit.events import EventType
from bot.domain.audit.history import Body
from bot.domain.deploy.dispatch import Answer
from bot.domain.durations import in_words

LONGEST: Final = 200
"""Characters of a sentence; what is longer is cut, and the event itself has all of it."""
_FINGERPRINT: Final = 12
_ACTS: Final = {
    "replan": "plan {} anew",
    "replace": "let {} replace the running rollout",
    "retract": "take back the approval of {}",
}
_ANSWERS: Final[Mapping[str, str]] = {
    Answer.LANDED: "landed",
    Answer.NO_OP: "changed nothing",
    Answer.CONFLICT: "came after another change of the job",
    Answer.DENIED: "was denied",
    Answer.NOT_SENT: "was not taken",
    Answer.UNKNOWN: "got no certain answer",
}


def sentence(body: Body) -> str:
    """What the event says happened, such as ``approved D-12 (1 of 2 seats)``; text without markup, unescaped.

    The actor is its subject where it begins with a verb in lower case. An event of a type that this version does not
    know, as a newer one may have recorded, is told by its type.
    """
    tell = _SENTENCES.get(body["type"])
    return one_line(tell(body, body.get("data", {})) if tell else f"{body['type']} {_number(body)}")


def one_line(text: str, most: int = LONGEST) -> str:
    """The text on one line, cut at ``most`` characters; nothing in it moves a cursor or turns the writing round."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


_Data = Mapping[str, Any]


def _catalog_applied(_: Body, data: _Data) -> str:
    before, after = (str(data.get(key, ""))[:_FINGERPRINT] for key in ("before", "after"))
    return f"made catalog {after} active, after {before}" if before else f"made catalog {after} active, the first one"


def _requested(body: Body, data: _Data) -> str:
    again = "once more, " if data.get("again") else ""
    source = f", promoted from {data['promotes']}" if data.get("promotes") else ""
    values = f", with {', '.join(data['set'])}" if data.get("set") else ""
    what = f"{body.get('service')} {data.get('version')} to {body.get('environment')}"
    return _because(f"asked for {what} ({again}{_number(body)}){source}{values}", data.get("reason"))


def _refused(body: Body, data: _Data) -> str:
    where = f" to {body['environment']}" if body.get("environment") else ""
    what = " ".join(each for each in (body.get("service"), data.get("version")) if each) or "a deploy"
    return f"was refused {what}{where}: {_codes(data)}"


def _action_refused(body: Body, data: _Data) -> str:
    act = _ACTS.get(data.get("act", ""), f"{data.get('act')} {{}}")
    return f"was refused to {act.format(_number(body))}: {_codes(data)}"


def _planned(body: Body, data: _Data) -> str:
    void = "; approvals given before are void" if data.get("voided") else ""
    return _because(f"planned {_number(body)}, plan {data.get('plan')}", f"{data.get('effect', '')}{void}")


def _approved(body: Body, data: _Data) -> str:
    seats = data.get("seats")
    filled = f" ({data.get('filled')} of {seats} {'seat' if seats == 1 else 'seats'})" if seats else ""
    return _because(f"approved {_number(body)}{filled}", data.get("note"))


def _ready(body: Body, data: _Data) -> str:
    held = f", held by {', '.join(data['blocked'])}" if data.get("blocked") else ""
    return _because(f"{_number(body)} is ready{held}", data.get("detail"))


def _blocked(body: Body, data: _Data) -> str:
    return f"{_number(body)} is held: {_codes(data)}" if data.get("codes") else f"{_number(body)} is held no longer"


def _answered(body: Body, data: _Data) -> str:
    answer = str(data.get("answer"))
    became = _ANSWERS.get(answer, f"was answered {answer}")
    return _because(f"attempt {data.get('number')} of {_number(body)} {became}", data.get("text"))


def _landed(body: Body, data: _Data) -> str:
    version = data.get("job_version", -1)
    # a job version that Nomad no longer kept when it was looked at is -1 (register)
    return f"{_number(body)} is on Nomad" + (f" as job version {version}" if version >= 0 else "")


def _reverted(body: Body, data: _Data) -> str:
    status, version = data.get("status"), data.get("job_version")
    said = "has begun" if status == "running" else status
    return f"Nomad's own revert of {_number(body)} {said}: job version {version}"


def _ended(words: str) -> Callable[[Body, _Data], str]:
    """``D-12 WORDS 42s after it landed: detail``."""

    def tell(body: Body, data: _Data) -> str:
        after = f" {in_words(timedelta(seconds=data['seconds']))} after it landed" if "seconds" in data else ""
        return _because(f"{_number(body)} {words}{after}", data.get("detail"))

    return tell


def _did(words: str, key: str = "", *, suffix: str = "") -> Callable[[Body, _Data], str]:
    """``WORDS D-12 suffix: what is under that key``."""

    def tell(body: Body, data: _Data) -> str:
        return _because(f"{words} {_number(body)}{suffix}", data.get(key) or data.get("detail"))

    return tell


_E = EventType
_SENTENCES: Final[Mapping[str, Callable[[Body, _Data], str]]] = {
    _E.CATALOG_APPLIED: _catalog_applied,
    _E.DEPLOY_REQUESTED: _requested,
    _E.DEPLOY_REFUSED: _refused,
    _E.DEPLOY_PLANNED: _planned,
    _E.DEPLOY_REPLANNING: _did("sent", "cause", suffix=" back to planning"),
    _E.DEPLOY_APPROVED: _approved,
    _E.DEPLOY_RETRACTED: _did("took back the approval of"),
    _E.DEPLOY_REJECTED: _did("rejected", "reason"),
    _E.DEPLOY_REPLACES: _did("let", suffix=" replace the running rollout"),
    _E.DEPLOY_WITHDRAWN: _did("withdrew"),
    _E.DEPLOY_EXPIRED: _ended("expired"),
    _E.DEPLOY_READY: _ready,
    _E.DEPLOY_WAITING: _did("had", "cause", suffix=" wait for approval again"),
    _E.DEPLOY_BLOCKED: _blocked,
    _E.DEPLOY_DISPATCHING: _did("dispatched"),
    _E.DEPLOY_ATTEMPTED: lambda body, data: f"sent attempt {data.get('number')} of {_number(body)} to Nomad",
    _E.DEPLOY_ANSWERED: _answered,
    _E.DEPLOY_LANDED: _landed,
    _E.DEPLOY_UNCHANGED: _ended("had nothing to do"),
    _E.DEPLOY_INVALID: _ended("is invalid"),
    _E.DEPLOY_SUCCEEDED: _ended("succeeded"),
    _E.DEPLOY_FAILED: _ended("failed"),
    _E.DEPLOY_SUPERSEDED: _ended("was overtaken"),
    _E.DEPLOY_REVERTED: _reverted,
    _E.ACTION_REFUSED: _action_refused,
    _E.DEPLOY_STUCK: _ended("is stuck"),
    _E.DEPLOY_MOVING: _ended("moves again"),
}


def _number(body: Body) -> str:
    return f"D-{body['deploy']}" if "deploy" in body else ""


def _codes(data: _Data) -> str:
    return ", ".join(data.get("codes", ())) or "no reason recorded"


def _because(words: str, why: object) -> str:
    return f"{words}: {why}" if why else words
