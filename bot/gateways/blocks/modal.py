"""Modals: Reject, Promote, and what replaces a modal that cannot continue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.domain.deploy.gates import LONGEST_REASON, SHORTEST_REASON
from bot.domain.rollback import in_words, place_of
from bot.gateways.blocks.parts import Json, Message, plain, section
from bot.gateways.blocks.text import cut, who, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.catalog.variable import Setting
    from bot.domain.deploy.deploy import Deploy
    from bot.domain.deploy.promotion import Promotable

REJECT: Final = "deploy.reject"
"""The callback id of the Reject modal."""

PROMOTE: Final = "deploy.promote"
"""The callback id of the Promote modal."""

ROLL_BACK: Final = "deploy.rollback"
"""The callback id of the Roll back modal."""

REASON_BLOCK, REASON_ACTION = "reason", "text"
ENVIRONMENT_BLOCK, SETTING_BLOCK = "environment", "set:"

_LONGEST_DESCRIPTION, _LONGEST_OTHERWISE = 300, 60
_EMPTY = "Leave empty to use the catalog's value."


def reject(number: str, value: str, what: str) -> Json:
    """The modal that asks for the reason of a rejection; ``value`` (``D-12:2``) comes back with the answer."""
    field = {
        "type": "plain_text_input",
        "action_id": REASON_ACTION,
        "multiline": True,
        "min_length": SHORTEST_REASON,
        "max_length": LONGEST_REASON,
        "focus_on_load": True,
        "placeholder": plain("What has to change first?", 150),
    }
    ask = {
        "type": "input",
        "block_id": REASON_BLOCK,
        "label": plain("Why?", 2000),
        "hint": plain("Shown on the deploy's message and kept in the audit log.", 2000),
        "element": field,
    }
    # the consequence stands before the field: a modal has no confirm dialog of its own
    told = (
        f"*{words(number, 40)}* {words(what, 500)} will be rejected. "
        "This is final: to deploy it after all, request it again."
    )
    return {
        "type": "modal",
        "callback_id": REJECT,
        "private_metadata": value,
        "title": plain(f"Reject {number}", 24),
        "submit": plain("Reject", 24),
        "close": plain("Cancel", 24),
        "blocks": [{**section(told), "block_id": "told"}, ask],
    }


def promote(found: Promotable, value: str) -> Json:
    """The modal that asks where to promote to (if there is a choice), which variables to set, and why.

    ``value`` (``D-12:2``) comes back with the answer.
    """
    deploy = found.deploy
    what = f"*{deploy.number}* {words(f'{deploy.service} {deploy.release_name}', 500)}"
    told = f"{what} will be promoted to {words(' or '.join(found.environments), 500)}."
    return {
        "type": "modal",
        "callback_id": PROMOTE,
        "private_metadata": value,
        "title": plain(f"Promote {deploy.number}", 24),
        "submit": plain("Promote", 24),
        "close": plain("Cancel", 24),
        "blocks": [
            {**section(told), "block_id": "told"},
            *([_environment(found.environments)] if found.several else []),
            *(_setting(name) for name in found.settable),
            _why(required=found.reason_required),
        ],
    }


def roll_back(deploy: Deploy, value: str) -> Json:
    """The modal that asks for the reason of a rollback, and says what it does; ``value`` comes back with the answer.

    ``deploy`` is the rollback as it would be recorded.
    """
    back = deploy.rollback
    number = "" if back is None else f"D-{back.undoes}"
    given = f" {number} was approved by {who(back.approvers, ())}." if back is not None and back.approvers else ""
    locked = f"{place_of(deploy)} is then locked with your reason until somebody lifts the lock."
    return {
        "type": "modal",
        "callback_id": ROLL_BACK,
        "private_metadata": value,
        "title": plain(f"Roll back {number}", 24),
        "submit": plain("Roll back", 24),
        "close": plain("Cancel", 24),
        "blocks": [
            {**section(f"{words(' '.join(in_words(deploy)), 1500)}{given}"), "block_id": "told"},
            {**section(words(locked, 500)), "block_id": "lock"},
            _why(required=True),
        ],
    }


def _environment(environments: Sequence[str]) -> Json:
    options = [{"text": plain(name), "value": name[:150]} for name in environments[:100]]
    element: Json = {"type": "static_select", "action_id": REASON_ACTION, "options": options}
    if len(options) == 1:
        element["initial_option"] = options[0]
    return {"type": "input", "block_id": ENVIRONMENT_BLOCK, "label": plain("Where to?", 2000), "element": element}


def _setting(setting: Setting) -> Json:
    element = {"type": "plain_text_input", "action_id": REASON_ACTION, "max_length": setting.longest}
    about = [cut(setting.description, _LONGEST_DESCRIPTION), f"Takes {setting.takes}."]
    empty = f"Leave empty to use {setting.otherwise}." if _is_short(setting.otherwise) else _EMPTY
    return {
        "type": "input",
        "block_id": f"{SETTING_BLOCK}{setting.name}"[:255],
        "optional": True,
        "label": plain(setting.name, 2000),
        # a hint shows no mrkdwn
        "hint": plain(" ".join(each for each in (*about, empty) if each).replace("`", ""), 2000),
        "element": element,
    }


def _is_short(value: str) -> bool:
    return 0 < len(value) <= _LONGEST_OTHERWISE and value.isprintable()


def _why(*, required: bool) -> Json:
    element = {"type": "plain_text_input", "action_id": REASON_ACTION, "multiline": True, "max_length": LONGEST_REASON}
    label = plain("Why?", 2000)
    return {"type": "input", "block_id": REASON_BLOCK, "optional": not required, "label": label, "element": element}


def instead(title: str, message: Message) -> Json:
    """The view that replaces a modal that cannot continue: a message and a Close button."""
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain("Close", 24),
        "blocks": list(message.blocks) or [section(message.text)],
    }
