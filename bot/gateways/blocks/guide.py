"""``/deploy help``: the grammar in short, and a page for each topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.gateways.blocks.answers import said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.gateways.blocks.parts import Message

_FORMS: Final = (
    ("request", "/deploy SERVICE VERSION [to ENV] [with NAME=VALUE ...] [because TEXT]", "ask for a deploy"),
    (
        "promote",
        "/deploy promote SERVICE|D-n [to ENV] [with NAME=VALUE ...] [because TEXT]",
        "the next environment",
    ),
    ("status", "/deploy status [SERVICE|D-n] [in ENV]", "what runs where, and what waits"),
    ("plan", "/deploy plan D-n", "what a deploy would change"),
    ("approve", "/deploy approve D-n [TEXT]", "your yes to its current plan"),
    ("retract", "/deploy retract D-n", "take your approval back"),
    ("reject", "/deploy reject D-n TEXT", "a no, with the reason"),
    ("withdraw", "/deploy withdraw D-n", "take a request back"),
    ("history", "/deploy history SERVICE [in ENV]", "what became of a service's deploys"),
    ("audit", "/deploy audit [today|yesterday|DATE] [SERVICE] [D-n] [in ENV] [by @user]", "who did what, and when"),
    ("digest", "/deploy digest preview [today|yesterday|DATE]", "the daily digest, before or after it is posted"),
    ("whoami", "/deploy whoami", "your groups and permissions here"),
    ("help", "/deploy help [TOPIC]", "this list, or more on one: request, status, plan, approve, …"),
)

_TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "request": (
        "For example `/deploy checkout v1.4.2 to production because SHOP-981`.",
        (
            "`to ENV` may be left out where the service has only one environment. `with count=3` sets what the catalog "
            "lets a request set; a value with spaces goes in quotes. Everything after `because` is the reason."
        ),
        (
            "The request is recorded at once and gets a number (`D-12`); its plan comes as one message in the channel. "
            "The same request asked again while it is open answers with the same number."
        ),
    ),
    "promote": (
        "For example `/deploy promote D-12 because SHOP-981`, or the button on a message that succeeded and soaked.",
        (
            "It asks for the same release, with the template it was first requested with, in the environment after. "
            "Values that were set for the deploy before are not carried over."
        ),
    ),
    "status": (
        "Without words: every service and environment, what succeeded last and what is on its way.",
        "`/deploy status checkout in production` narrows it; `/deploy status D-12` shows one deploy.",
    ),
    "plan": ("Shows the difference that Nomad would make, values hidden unless the catalog shows them.",),
    "approve": (
        "An approval counts for one exact plan: if anything in it moves, the approval is void and you are told.",
        (
            "Being in a group that a rule names is what lets you fill its seat. One person fills one seat, and whoever "
            "asked for the deploy fills none unless the environment allows it."
        ),
    ),
    "retract": ("Possible until the deploy is sent to Nomad; it then waits for approvals again.",),
    "reject": ("Final for the deploy. Whoever may approve may reject, with a reason of 3 to 1,000 characters.",),
    "withdraw": ("Your own request, or another's with the `withdraw` permission; until it is sent to Nomad.",),
    "history": (
        "For example `/deploy history checkout in production`: ten deploys on a page, the newest request first.",
        "Each with what it replaced, who asked, who approved, how long it took and what became of it.",
    ),
    "audit": (
        (
            "For example `/deploy audit D-12`, all that happened to one deploy, or `/deploy audit yesterday checkout "
            "in production by @alice`; the words may stand in any order."
        ),
        (
            "Twenty events on a page, newest first. `today`, `yesterday` and dates such as `2026-11-21` are days of "
            "the catalog's time zone; choose people from the list that Slack offers after `@`."
        ),
    ),
    "digest": (
        "Without a day: the digest that comes next, as far as it has got. With one: the digest of that date.",
        "It is that of the channel that you write in, or else the catalog's first; only you see it.",
    ),
    "whoami": ("Your groups in this catalog, what they let you do, and where you can approve.",),
}
"""A page for each topic that the grammar knows; our own words, ready mrkdwn."""


def help_on(topic: str | None) -> Message:
    """The grammar in short, or one topic of it."""
    if topic is None:
        forms = (f"`{form}` — {what}" for _, form, what in _FORMS)
        return said("*Nomatron* deploys to Nomad, with the approvals that each environment asks for.", *forms)
    form = next(form for name, form, _ in _FORMS if name == topic)
    return said(f"`{form}`", *_TOPICS[topic])
