from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.access import Holding, Permission, Whoami
from bot.domain.catalog.variable import Setting
from bot.domain.decision import Allowed, Reason, Refused
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.matrix import Cell, Difference, Health, Live, Matrix, Origin, Silent
from bot.domain.deploy.message import Note
from bot.domain.deploy.plan import Base, JobState
from bot.domain.deploy.promotion import Promotable
from bot.gateways.blocks import answers, guide, modal, note, overview
from handlers.slack.verbs.table import AVAILABLE, LATER
from tests.builders import BOB, SAM, a_deploy, a_membership, a_plan
from tests.clocks import NOON
from tests.gateways.blocks.cards import KNOWN, a_card, a_seating
from tests.gateways.blocks.oracles import assert_sound, assert_sound_view


def shown(message: object) -> str:
    return str(message)


def test_a_refusal_keeps_every_reason_and_who_can() -> None:
    first = Reason("own-request", "You requested this deploy.", users=("U0BOB00001",), groups=("S0SRE00001",))
    message = answers.refusal(Refused((first, Reason("stale-plan", "Plan 1 was replaced."))), ":lock:")

    assert message.text.splitlines() == [
        ":lock: You requested this deploy. Who can: <!subteam^S0SRE00001>, <@U0BOB00001>.",
        "• Plan 1 was replaced.",
    ]
    assert_sound(message, KNOWN)


def test_an_approval_says_how_many_and_who_is_missing() -> None:
    deploy = a_deploy(12, Status.WAITING, plan=2, environment="production")

    assert "1 of 2 approvals. Still missing: sre." in answers.approval_counted(deploy, a_seating(BOB.id)).text
    assert (
        "2 of 2 approvals. Next to start: checkout `v1.4.2`"
        in answers.approval_counted(deploy, a_seating(BOB.id, SAM.id)).text
    )


def test_the_last_approval_says_what_else_holds_it_rather_than_next() -> None:
    after = Reason("turn", "D-11 (v1) is rolling out. This deploy goes after it.")
    deploy = a_deploy(12, Status.READY, plan=2, environment="production", blocked=(after,))

    text = answers.approval_counted(deploy, a_seating(BOB.id, SAM.id)).text
    assert text.endswith("2 of 2 approvals.\n:hourglass: D-11 (v1) is rolling out. This deploy goes after it.")


def test_a_request_is_recorded_or_open_already() -> None:
    deploy = a_deploy(12)

    assert answers.request_recorded(deploy, existing=False, channel="C0STAGING1").text == (
        ":inbox_tray: Recorded as `D-12` checkout `v1.4.2` to staging. Nomatron is planning it now. "
        "Its message will be in <#C0STAGING1>."
    )
    assert "Already requested: `D-12`" in answers.request_recorded(deploy, existing=True).text


def test_the_plan_shows_the_difference_as_literal_text() -> None:
    card = a_card(plan=a_plan(12, 2))
    message = answers.plan(card)
    (code,) = [block for block in message.blocks if block["type"] == "rich_text"]

    assert "v1.4.1" in shown(code)
    assert "*Replaces* `v1.4.1`, job version 3" in message.text
    assert "has no plan yet" in answers.plan(a_card(Status.PLANNING)).text


def test_the_matrix_has_a_line_for_each_environment() -> None:
    running = a_deploy(1, Status.SUCCEEDED, version="v1.4.1")
    waiting = a_deploy(2, Status.WAITING, environment="production")
    row = (Cell("checkout", "staging", running, ()), Cell("checkout", "production", None, (waiting,)), None)
    environments = ("staging", "production", "development")
    shown_all = Matrix(environments, (row,))

    message = overview.matrix(shown_all)
    text = message.blocks[0]["text"]["text"]
    assert text.startswith("*checkout*\nstaging: `v1.4.1` since <!date^")
    assert (
        "production: nothing deployed by Nomatron yet\n    :large_yellow_circle: Approval needed: `v1.4.2` (`D-2`)"
        in text
    )
    assert "staging" not in shown(overview.matrix(shown_all, "production").blocks)
    assert overview.matrix(Matrix(environments, ())).text == "The catalog deploys nothing there."


def live(**changes: Any) -> Live:
    fields: dict[str, Any] = {"health": Health.RUNNING, "running": 2, "wanted": 2, "origin": Origin.DEPLOY}
    return Live(
        **{**fields, "base": Base(state=JobState.RUNNING, job_version=3, deploy=1, version="v1.4.1"), **changes}
    )


def lines_of(*cells: Cell, **changes: Any) -> list[str]:
    message = overview.matrix(Matrix(("staging", "production"), (cells,), **changes))
    assert_sound(message, KNOWN)
    return "\n".join(block["text"]["text"] for block in message.blocks).splitlines()


def test_a_line_of_the_matrix_says_what_nomad_has_and_what_can_be_promoted() -> None:
    running = a_deploy(1, Status.SUCCEEDED, version="v1.4.1", offers=("production",))
    lock = Reason("locked", "production is locked: the database moves.")
    closed = Cell("checkout", "production", None, (), live(health=Health.ABSENT, origin=None, base=None), (lock,))

    heading, staging, promoted, production = lines_of(Cell("checkout", "staging", running, (), live()), closed)

    assert heading == "*checkout*"
    assert staging.startswith("staging: `v1.4.1` since <!date^")
    assert staging.endswith(", 2 of 2 running")
    assert promoted == "    :arrow_right: can be promoted to `production`"
    assert production == ":lock: production: nothing deployed by Nomatron yet"


def test_what_changed_outside_is_a_line_of_its_own_with_its_time() -> None:
    base = Base(state=JobState.RUNNING, job_version=7, token="1a2b3c4d")
    foreign = live(origin=Origin.OUTSIDE, base=base, wanted=None, since=NOON)

    _, staging, trouble = lines_of(Cell("checkout", "staging", a_deploy(1, Status.SUCCEEDED), (), foreign))

    assert staging.endswith(", 2 running")
    assert trouble.startswith(
        "    :warning: Changed outside Nomatron: job version 7, registered by token 1a2b3c4d. _Since"
    )
    assert "_Since <!date^" in trouble


def test_a_silent_cluster_says_why_once_and_its_lines_are_unknown() -> None:
    unknown = Live(health=Health.UNKNOWN)
    silent = (Silent("main", ("staging", "production"), "Nomad did not answer within 2 s."),)
    cells = [Cell("checkout", name, a_deploy(1, Status.SUCCEEDED), (), unknown) for name in ("staging", "production")]

    why, _, *rest = lines_of(*cells, silent=silent)

    assert why == (
        ":grey_question: What runs in `staging`, `production` is unknown (cluster `main`). "
        "Nomad did not answer within 2 s."
    )
    assert [line.endswith(", _Nomad: unknown_") for line in rest] == [True, True]


def test_the_differences_between_neighbours_come_last() -> None:
    differences = (Difference("staging", "production", ("count 2 → 6",)), Difference("production", "backup", ()))

    found = lines_of(Cell("checkout", "staging", None, ()), differences=differences)

    assert found[2:] == [
        ":left_right_arrow: *staging and production* differ",
        "• count 2 → 6",
        ":left_right_arrow: *production and backup* have the same job, apart from where it runs",
    ]


def test_a_matrix_with_everything_wrong_is_one_message() -> None:
    """The worst that one service and many of them can say."""
    name = "n" * 128
    reason = Reason("locked", "x" * 3000)
    base = Base(state=JobState.RUNNING, job_version=7, token="1a2b3c4d")
    waiting = tuple(a_deploy(number, Status.WAITING, version="v" * 128) for number in range(1, 9))
    running = a_deploy(1, Status.SUCCEEDED, version="v" * 128, offers=(name,) * 20)
    foreign = live(origin=Origin.OUTSIDE, base=base, starting=2, unplaced=1, unreachable=1, since=NOON)
    cell = Cell(name, name, running, waiting, foreign, (reason,))
    silent = tuple(Silent(name, (name,) * 30, "y" * 3000) for _ in range(20))
    differences = tuple(Difference(name, name, ("z" * 3000,) * 20) for _ in range(20))
    rows = tuple((cell,) * 5 for _ in range(60))

    lines_of(*rows[0], silent=silent, closed=(reason,) * 20, differences=differences)
    message = overview.matrix(Matrix((name,), rows, 3, closed=(reason,) * 20, silent=silent))
    assert_sound(message, KNOWN)
    assert "more services" in shown(message.blocks[-1])


def test_a_matrix_of_any_size_is_one_message() -> None:
    deploys = tuple(a_deploy(number, Status.WAITING, environment="staging") for number in range(1, 9))
    rows = tuple((Cell(f"service-{number}", "staging", None, deploys),) for number in range(120))

    message = overview.matrix(Matrix(("staging",), rows))
    assert_sound(message, KNOWN)
    assert "more services" in shown(message.blocks[-1])
    assert "… and 3 more" in shown(message.blocks[0])


def test_whoami_names_groups_permissions_and_seats() -> None:
    holdings = (
        Holding((Permission.REQUEST,), ("staging",), None),
        Holding((Permission.WITHDRAW,), None, ("checkout",)),
    )
    standing = a_membership().standing("U0GUS00001")
    gus = Whoami("U0GUS00001", standing, ("developers",), holdings, (("checkout", "production"),))
    message = overview.whoami(gus)

    assert message.text.splitlines() == [
        ":bust_in_silhouette: <@U0GUS00001>",
        ":no_entry: Guests of this Slack workspace cannot request or approve.",
        "*Groups* `developers`",
        "*May* do nothing and *can approve* nothing, whatever the groups allow",
    ]
    alice = overview.whoami(replace(gus, user="U0ALICE001", standing=Allowed()))
    assert alice.text.splitlines()[1:] == [
        "*Groups* `developers`",
        "*May* `request` in `staging`",
        "*May* `withdraw` everywhere, for `checkout`",
        "*Can approve* checkout in production",
    ]


def test_what_was_done_says_where_that_leads_unless_the_state_says_it() -> None:
    waiting = a_deploy(12, Status.WAITING, environment="production")

    assert answers.deploy_changed(waiting, "your approval was taken back").text.endswith(
        "to production: your approval was taken back. It is now: approval needed."
    )
    assert answers.deploy_changed(a_deploy(12, Status.WITHDRAWN)).text.endswith("to staging: withdrawn.")


def test_help_is_sound_for_every_verb() -> None:
    assert_sound(guide.overview([(verb.form, verb.summary) for verb in AVAILABLE.values()], sorted(LATER)))
    for verb in AVAILABLE.values():
        assert_sound(guide.topic(verb.form, verb.details, verb.permission))


def test_a_note_has_mentions_code_and_one_button() -> None:
    told = Note(
        text="Nothing to do <!channel>.",
        lines=("a line",),
        mention=("U0ALICE001", "U0ALICE001"),
        groups=("S0SRE00001",),
        code="- count = 1\n+ count = 6",
        action=("Deploy again anyway", "deploy.again", "D-12:2"),
    )
    message = note.render(told)

    assert message.text.splitlines() == [
        "<@U0ALICE001> Nothing to do &lt;!channel&gt;.",
        "a line",
        "Who can: <!subteam^S0SRE00001>",
    ]
    assert [block["type"] for block in message.blocks] == ["section", "rich_text", "actions"]
    assert message.blocks[2]["elements"][0]["action_id"] == "deploy.again"
    assert_sound(message, KNOWN)


COUNT = Setting(
    name="count", takes="a whole number from 1 to 10", longest=200, description="How many run at once.", otherwise="6"
)


def promote_view(environments=("production",), *, several=False, reason_required=True):
    found = Promotable(a_deploy(12), environments, several, (COUNT,), reason_required)
    return modal.promote(found, "D-12:2")


def test_the_promote_modal_asks_what_may_be_set_and_why() -> None:
    view = promote_view()
    setting, why = [block for block in view["blocks"] if block["type"] == "input"]

    assert (view["callback_id"], view["private_metadata"]) == ("deploy.promote", "D-12:2")
    assert view["blocks"][0]["text"]["text"] == "*D-12* checkout v1.4.2 will be promoted to production."
    assert (setting["block_id"], setting["optional"]) == ("set:count", True)
    assert setting["hint"]["text"] == "How many run at once. Takes a whole number from 1 to 10. Leave empty to use 6."
    assert (why["block_id"], why["optional"], why["element"]["max_length"]) == ("reason", False, 1000)
    assert promote_view(reason_required=False)["blocks"][-1]["optional"] is True
    assert_sound_view(view)


def test_a_hint_stays_short_whatever_the_template_says() -> None:
    long = replace(COUNT, description="d" * 5000, takes="`x` or `y`", otherwise="v" * 61)
    for otherwise in ("v" * 61, "a\nb", ""):
        found = Promotable(a_deploy(12), ("production",), False, (replace(long, otherwise=otherwise),), True)
        view = modal.promote(found, "D-12:2")
        hint = view["blocks"][1]["hint"]["text"]

        assert hint.endswith("… Takes x or y. Leave empty to use the catalog's value.")
        assert len(hint) < 400
        assert_sound_view(view)


def test_the_promote_modal_asks_where_to_where_there_are_several() -> None:
    view = promote_view(("production", "canada"), several=True)
    (where,) = [block for block in view["blocks"] if block.get("block_id") == "environment"]

    assert [option["value"] for option in where["element"]["options"]] == ["production", "canada"]
    assert "initial_option" not in where["element"]
    assert_sound_view(view)


def test_the_one_that_is_open_of_several_is_chosen_already_and_said_all_the_same() -> None:
    view = promote_view(("canada",), several=True)
    (where,) = [block for block in view["blocks"] if block.get("block_id") == "environment"]

    assert where["element"]["initial_option"]["value"] == "canada"
    assert_sound_view(view)


def test_the_reject_modal_wants_a_reason() -> None:
    view = modal.reject("D-12", "D-12:2", "checkout v1.4.2 to production")
    (field,) = [block for block in view["blocks"] if block["type"] == "input"]

    assert (view["callback_id"], view["private_metadata"]) == ("deploy.reject", "D-12:2")
    assert (field["block_id"], field["element"]["action_id"]) == ("reason", "text")
    assert (field["element"]["min_length"], field["element"]["max_length"]) == (3, 1000)
    assert_sound_view(view)
