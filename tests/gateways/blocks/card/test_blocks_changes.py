"""The change list of a waiting deploy: complete, flagged changes first, and nothing that is not true."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.access import Group
from bot.domain.deploy.approval import Seat, Seating
from bot.domain.deploy.plan import Base, Change, Flag, JobState
from bot.domain.jobdiff.changes import reason
from bot.gateways.blocks.card.changes import in_a_line, most_of, sections_of
from bot.gateways.blocks.card.message import render
from tests.builders import a_plan
from tests.gateways.blocks.cards import (
    CPU,
    DB_URL,
    HOTFIX,
    IMAGE,
    KNOWN,
    LEVEL,
    MEMORY,
    OURS,
    OUTSIDE,
    SETTING,
    TEMPLATE,
    a_card,
    situations,
)
from tests.gateways.blocks.nasty import texts as nasty_texts
from tests.gateways.blocks.oracles import assert_sound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.deploy.message import Card
    from bot.gateways.blocks.parts import Message

CARDS = situations()


def said(card: Card) -> str:
    """Everything on the message, in order."""
    return text_of(render(card))


def text_of(message: Message) -> str:
    parts = []
    for block in message.blocks:
        if block["type"] == "section":
            parts.append(block["text"]["text"])
        elif block["type"] == "rich_text":
            parts.append(block["elements"][0]["elements"][0]["text"])
        elif block["type"] == "actions":
            parts += [element["text"]["text"] for element in block["elements"]]
    return "\n".join(parts)


def listed(*changes: Change, room: int = 6000, **fields: Any) -> str:
    return "\n".join(sections_of(a_plan(12, 2, changes=changes, **fields), room))


def confirmation(card: Card) -> str:
    (row,) = [block for block in render(card).blocks if block["type"] == "actions"]
    text: str = row["elements"][0]["confirm"]["text"]["text"]
    return text


def counted(shown: str, changes: Sequence[Change]) -> int:
    """How many of the changes a list shows or counts."""
    more = re.search(r"_\+([0-9]+) more, ", shown)
    names = sum(1 for change in changes if f" {change.path[-1]} " in shown)
    return names + (int(more[1]) if more else 0)


def test_the_parts_of_a_waiting_message_come_in_the_order_in_which_they_are_read() -> None:
    card = a_card(
        plan=a_plan(
            12, 2, base=OURS, changes=(IMAGE, MEMORY), differs=("group web count 1 → 6",), compared_with="staging"
        ),
        deploy={"overrides": {"count": 3}},
    )
    shown = said(card)

    order = ["Approval needed", "*Replaces*", "memory MB", "image", "*Compared with staging*", "*Rollout*", "*Needs*",
             "*Requested by*", "*Set by the request*", "count = 3", "Approve", "Reject…"]  # fmt: skip
    places = [shown.index(each) for each in order]
    assert places == sorted(places)


def test_flagged_changes_come_first_with_a_sign_and_the_reason() -> None:
    assert listed(IMAGE, MEMORY, DB_URL, HOTFIX).splitlines() == [
        ":warning: *4 changes, 3 flagged*",
        "*group web, task app*",
        ":warning: memory MB `2048` → `512` — _memory lowered_",
        ":warning: env DB_URL removed _(hidden)_",
        ":warning: env HOTFIX removed, was `true` — _added outside Nomatron, version 6_",
        "*group web, task app*",
        "• image registry.example/checkout `v1.4.1` → `v1.4.2`",
    ]


def test_what_does_not_fit_is_counted_and_whether_it_is_flagged() -> None:
    many = tuple(replace(LEVEL, path=("group web", f"env SETTING_{number:03}")) for number in range(100))
    dangers = tuple(replace(each, flags=(Flag.REMOVED,)) for each in many)

    assert listed(IMAGE, *many).endswith("_+81 more, none of them flagged: in the thread_")
    shown = listed(*many, *dangers, room=2000)
    assert re.search(r"_\+1[0-9][0-9] more, [0-9]+ of them flagged: in the thread_$", shown)
    assert "•" not in shown
    assert len(shown) <= 2000


@pytest.mark.parametrize(("unchanged", "says"), [(True, "*No changes.*"), (False, "found no difference")])
def test_no_changes_is_only_said_if_nothing_changes(unchanged: bool, says: str) -> None:  # noqa: FBT001 -- a parameter
    assert says in listed(unchanged=unchanged)
    assert ("No changes." in listed(unchanged=unchanged)) == unchanged
    assert "No changes" not in listed(IMAGE, unchanged=unchanged)


def test_values_that_differ_look_different() -> None:
    def pair(old: str, new: str) -> list[str]:
        return re.findall(r"`([^`]*)`", listed(replace(LEVEL, old=old, new=new)))

    long = "x" * 10_000
    for old, new in (
        ("a b", "a  b"), ("a", "a "), ("a", "a\u200b"), ("a", "\u202ea"), ("a\tb", "a b"), (long + "1", long + "2"),
        (long, long + "!"), ("a", ""), ("a\u00ad", "a"),
    ):  # fmt: skip
        found = listed(replace(LEVEL, old=old, new=new)).split("LOG_LEVEL ")[1].split(" → ")
        assert found[0] != found[1], (old, new)
    assert pair("a", "a\u202e") == ["a", "a\\u202e"]


def test_a_long_value_is_cut_around_what_differs_and_the_cut_says_how_much_is_left_out() -> None:
    old, new = "a" * 5000 + "B" + "c" * 5000, "a" * 5000 + "D" + "c" * 5000

    shown = listed(replace(LEVEL, old=old, new=new))
    assert "`…" + "a" * 30 + "B" + "c" * 59 + "… (+4941 characters)`" in shown
    assert "a" * 30 + "D" in shown


def test_a_hidden_value_is_said_to_be_hidden_and_never_shown() -> None:
    secret = replace(LEVEL, old="hunter2", new="hunter3", hidden=True)
    before = replace(LEVEL, old="(hmac 3f9a1b2c…)", new="(hmac 11111111…)")

    assert "env LOG_LEVEL changed _(hidden)_" in listed(secret)
    assert "hunter" not in listed(secret) + in_a_line(a_plan(changes=(replace(secret, flags=(Flag.OVERRIDE,)),)))
    assert "hmac" not in listed(before)
    assert "added _(hidden)_" in listed(replace(secret, kind="Added"))


def test_a_text_shows_its_lines_that_differ() -> None:
    assert "template local/app.conf, data changed: 4 lines differ\n      `~upstream = •••`" in listed(TEMPLATE)
    assert "2 lines differ\n      `-b`\n      `+c`" in listed(replace(LEVEL, old="a\nb", new="a\nc"))
    long = replace(TEMPLATE, diff=tuple(f"+{number}" for number in range(50)))
    assert "50 lines differ" in listed(long)
    assert "_44 more lines in the plan_" in listed(long)
    assert "1 line differs" in listed(replace(TEMPLATE, diff=("+c",)))


def test_a_setting_of_the_request_says_what_it_is() -> None:
    assert ":warning: setting count is `8` — _set by the requester_" in listed(SETTING)


def test_additions_and_removals_without_values() -> None:
    task = Change(path=("group web", "task log"), kind="Deleted", old="", new="", flags=(Flag.REMOVED,))
    group = Change(path=("group cache",), kind="Added", old="", new="")
    priority = Change(path=("priority",), kind="Edited", old="50", new="", flags=(Flag.PRIORITY,))

    assert listed(task, priority, group).splitlines()[1:] == [
        "*group web*",
        ":warning: task log removed",
        "*job*",
        f":warning: priority `50` → (none) — _{reason(priority)}_",
        "*job*",
        "• group cache added",
    ]
    assert "env LOG_LEVEL added: `debug`" in listed(replace(LEVEL, kind="Added", old=""))
    assert "\n• job added" in listed(Change(path=(), kind="Added", old="", new=""))


def test_the_first_deploy_over_a_running_job_is_a_moment_of_its_own() -> None:
    shown = said(CARDS["takeover"])

    assert "*Replaces* job version 7, registered outside Nomatron by token 3fa9c2d1, <!date^" in shown
    assert ":rotating_light: *First deploy over a running job*" in shown
    assert "To keep env DB_URL, add it to the template or to the catalog's variables." in shown
    assert shown.index("First deploy") < shown.index("4 changes, 3 flagged")
    assert "First deploy" not in said(CARDS["flagged"])


def test_what_it_replaces() -> None:
    def replaces(base: Base, **fields: Any) -> str:
        plan = a_plan(12, 2, base=base, base_version=base.job_version, from_version=base.version, changes=(IMAGE,))
        return said(replace(a_card(), plan=replace(plan, **fields), from_version=base.version)).splitlines()[1]

    assert replaces(OURS) == "*Replaces* `v1.4.1` (D-3), job version 3"
    reverted = replace(OURS, reverted=True, job_version=9)
    assert replaces(reverted) == "*Replaces* `v1.4.1` (D-3, restored by a revert in Nomad), job version 9"
    assert replaces(replace(OUTSIDE, token="", at=None, first=False)) == (
        "*Replaces* job version 7, registered outside Nomatron"
    )
    assert replaces(Base(state=JobState.ABSENT)) == ":seedling: The first version of this job"
    assert "starts a stopped job" in said(CARDS["stopped"])
    # plans that are older than the record of their base
    assert said(a_card(plan=a_plan(12, 2, base_version=None, from_version=None), from_version=None)).splitlines()[
        1
    ] == (":seedling: The first version of this job")
    assert "*Replaces* job version 3\n" in said(a_card(from_version=None))


def test_a_stopped_job_is_told_once() -> None:
    plan = a_plan(12, 2, base=replace(OURS, state=JobState.STOPPED), warnings=("This deploy starts a stopped job.",))

    assert said(a_card(plan=plan)).count("stopped job") == 1


def test_a_confirmation_names_the_flagged_changes_that_fit_and_counts_the_rest() -> None:
    few = a_card(plan=a_plan(12, 2, changes=(MEMORY, DB_URL, IMAGE)))
    assert confirmation(few).endswith(" 2 flagged: memory MB 2048 → 512; env DB_URL removed. 1 other change.")
    many = tuple(replace(CPU, path=("group web", "task app", f"setting number {number}")) for number in range(40))
    text = confirmation(a_card(plan=a_plan(12, 2, changes=(*many, IMAGE, LEVEL))))
    named = text.count("500 → 100")
    assert named >= 3
    assert text.endswith(f"; +{40 - named} more. 2 other changes.")
    assert len(text) <= 300
    long = {"service": "s" * 300, "version": "v" * 300, "environment": "e" * 300}
    assert len(confirmation(a_card(deploy=long, plan=a_plan(12, 2, changes=many)))) <= 300
    assert confirmation(a_card(plan=a_plan(12, 2, changes=(), unchanged=True))).endswith("No changes.")


def test_a_confirmation_says_what_nobody_expects() -> None:
    assert " First deploy over a running job. 3 flagged: " in confirmation(CARDS["takeover"])
    assert " It starts a stopped job. 1 change, none flagged." in confirmation(CARDS["stopped"])
    assert "Approve" not in said(a_card(plan=None)), "nothing to approve yet"
    long = {"service": "s" * 300, "version": "v" * 300, "environment": "e" * 300}
    assert len(confirmation(a_card(plan=CARDS["takeover"].plan, deploy=long))) <= 300


def test_settings_of_the_request_are_shown_whole() -> None:
    settings = {f"setting_{number}": "<&>" + "x" * 196 + str(number) for number in range(10)}
    message = render(a_card(deploy={"overrides": settings}))

    (values,) = [block for block in message.blocks if block["type"] == "rich_text"]
    shown = values["elements"][0]["elements"][0]["text"].splitlines()
    assert shown == [f"{name} = {value}" for name, value in settings.items()]
    assert_sound(message, KNOWN)
    odd = text_of(render(a_card(deploy={"overrides": {"greeting": "a\u202eb"}})))
    assert "greeting = a\\u202eb" in odd


def test_a_running_deploy_shows_its_progress_and_the_list_in_a_line() -> None:
    first, progress, line = said(CARDS["running"]).splitlines()[:3]

    assert first.startswith(":large_blue_circle: *Rolling out*")
    assert progress.startswith("████░░ *4/6 healthy*")
    assert line == (":mag: 2 changes, 1 flagged: memory MB 2048 → 512 — in the thread, and with `/deploy plan D-12`")


def test_a_line_holds_what_fits() -> None:
    changes = tuple(replace(CPU, path=("group web", f"cpu {number}")) for number in range(30))

    assert most_of((), 100) == ""
    assert most_of(changes[:2], 100) == "cpu 0 500 → 100; cpu 1 500 → 100"
    assert most_of(changes, 50) == "cpu 0 500 → 100; cpu 1 500 → 100; +28 more"
    assert most_of(changes, 5) == "30 of them"
    assert in_a_line(a_plan(changes=(TEMPLATE, replace(TEMPLATE, flags=(Flag.OVERRIDE,))))) == (
        "2 changes, 1 flagged: template local/app.conf, data changed"
    )
    assert in_a_line(a_plan(changes=(IMAGE,))) == "1 change, none flagged"
    assert in_a_line(a_plan(changes=(), unchanged=True)) == "No changes."


def test_the_worst_case_still_shows_flagged_changes_first_and_the_buttons() -> None:
    def change(number: int) -> Change:
        path = (f"group нагрузка-{number % 60}", "task نص-مهمة", f"env KEY_{number:04}")
        flags = (Flag.REMOVED, Flag.OVERRIDE) if number % 3 == 0 else ()
        return Change(path=path, kind="Edited", old="<&`" * 3333 + "a", new="<&`" * 3333 + "b", flags=flags)

    changes = tuple(change(number) for number in range(600))
    overrides = {f"a_long_name_of_a_setting_{number}": "&" * 200 for number in range(10)}
    people = [f"U0{number:08}" for number in range(20)]
    seats = tuple(Seat(f"group of {user}", Group(user, users=frozenset({user}))) for user in people)
    card = a_card(
        plan=a_plan(
            12, 2, base=replace(OUTSIDE, state=JobState.STOPPED), changes=changes, effect="web: 6 replaced; " * 60,
            warnings=("a warning & more " * 30,) * 30, moved=("something <moved> " * 20,) * 30,
            differs=("group web count 1 → 6 " * 20,) * 30, compared_with="staging",
        ),
        deploy={"overrides": overrides, "reason": "because " * 120, "detail": "d" * 2000},
        links={f"Link {number}": f"https://nomad.eu/{'a' * 270}{number}" for number in range(3)},
        seating=Seating(seats, (None,) * 20),
    )  # fmt: skip
    message = render(card)

    assert_sound(message, KNOWN | set(people) | set(card.links.values()))
    shown = text_of(message)
    assert shown.index("KEY_0000") < shown.index("Approve") < shown.index("Reject…")
    assert "KEY_0001" not in shown
    assert ":warning: *600 changes, 200 flagged*" in shown
    assert counted(shown, changes) == 600
    assert all(f"{name} = {value}" in shown for name, value in overrides.items())
    assert "12 more from other groups" in shown
    assert confirmation(card).count("KEY_") >= 1


_changes = st.builds(
    Change,
    path=st.integers(0, 10_000).map(lambda number: ("group web", "task app", f"env KEY_{number:05}")),
    kind=st.sampled_from(["Added", "Deleted", "Edited"]),
    old=nasty_texts,
    new=nasty_texts,
    flags=st.lists(st.sampled_from(Flag), max_size=3).map(tuple),
    hidden=st.booleans(),
    outside=st.none() | st.integers(0, 9),
)


@given(st.lists(_changes, max_size=60, unique_by=lambda change: change.path), st.integers(1500, 9000))
def test_every_change_is_shown_or_counted(changes: list[Change], room: int) -> None:
    texts = sections_of(a_plan(changes=tuple(changes)), room)
    shown = "\n".join(texts)

    assert len(shown) <= max(room, 1500)
    assert all(len(text) <= 3000 for text in texts)
    more = re.search(r"_\+([0-9]+) more, (?:([0-9]+)|none) of them flagged", shown)
    named = set(re.findall(r"^(?::warning:|•) env (KEY_[0-9]{5})", shown, re.MULTILINE))
    assert len(named) + (int(more[1]) if more else 0) == len(changes)
    flagged = {change.path[-1].removeprefix("env ") for change in changes if change.flags}
    assert len(flagged - named) == (int(more[2] or 0) if more else 0)
    # a change that is not flagged is only shown if all flagged ones are
    assert not (named - flagged) or flagged <= named
