from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.audit.events import EventType
from bot.domain.audit.history import HistoryPage, Word
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.rollout import RolloutStatus
from bot.domain.digest.schedule import day_of
from bot.gateways.blocks import audit, history
from bot.gateways.blocks.pages import NEWEST, OLDER, STEPS, Pages
from bot.gateways.blocks.text import second
from bot.ports.audit import AuditQuery
from tests.builders import ALICE, BOB, CAROL, SAM, an_entry, an_event
from tests.clocks import NOON
from tests.gateways.blocks.listings import (
    BOTH,
    GOLDEN,
    LINK,
    LISTINGS,
    NO_PAGE,
    TODAY,
    ZONE,
    a_page,
    bodies,
    golden_listing,
)
from tests.gateways.blocks.nasty import texts
from tests.gateways.blocks.oracles import assert_sound
from tests.gateways.blocks.test_blocks_nasty import MANY, actors

KNOWN = frozenset({ALICE.id, BOB.id, CAROL.id, SAM.id, LINK})


@pytest.mark.parametrize("name", LISTINGS)
def test_golden(name: str) -> None:
    """Where this fails on purpose: ``python -m tests.gateways.blocks.listings`` writes them anew; look at the diff."""
    assert golden_listing(name) == (GOLDEN / f"{name}.json").read_text("utf-8")
    assert_sound(LISTINGS[name](), KNOWN)


def test_every_golden_file_is_of_a_listing() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == LISTINGS.keys()


def texts_of(message: Any) -> list[str]:
    return [block["text"]["text"] for block in message.blocks if block["type"] == "section"]


def test_a_deploy_says_what_became_of_it_who_was_for_it_and_how_long_it_took() -> None:
    first, succeeded, rolling, *_ = texts_of(LISTINGS["history"]())

    assert first == ":scroll: Deploys of *checkout*, newest first"
    head, course, why = succeeded.splitlines()
    assert head == f":large_green_circle: *Succeeded* — `v1.4.1` → `v1.4.2` to *production* (<{LINK}|D-12>)"
    assert course.startswith("requested by <@U0ALICE001> <!date^")
    assert course.endswith("> · approved by <@U0BOB00001>, <@U0SAM00001> within 5m · took 3m")
    assert why == "> SHOP-981 &amp; &lt;b&gt;urgent&lt;/b&gt;"
    assert "*Rolling out* — `v1.4.2` again to *production* (D-11)" in rolling
    assert " · since <!date^" in rolling


def test_what_went_wrong_is_said_in_its_words() -> None:
    shown = {text.partition("(D-")[2].partition(")")[0]: text for text in texts_of(LISTINGS["history"]())}

    assert shown["9"].endswith("took 3m\n> 2 of 6 unhealthy")
    assert "*being reverted by Nomad*" in shown["8"]
    assert "*Nomad's own revert failed*" in shown["7"]
    assert "*reverted by Nomad*" in shown["6"]
    assert shown["5"].endswith(" UTC>\n> not on a Friday")
    assert ":warning: self-approved" in shown["4"]


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (Pages(), []),
        (Pages(older="o"), [("Older", OLDER, "o")]),
        (Pages(newest="n"), [("Newest", NEWEST, "n")]),
        (Pages("o", "n"), [("Older", OLDER, "o"), ("Newest", NEWEST, "n")]),
    ],
)
def test_buttons_lead_to_the_pages_that_are_there(pages: Pages, expected: list[tuple[str, str, str]]) -> None:
    for message in (
        history.render("checkout", None, a_page(), pages),
        history.render("checkout", None, NO_PAGE, pages),
        audit.render(AuditQuery(), bodies(), ZONE, {}, pages),
        audit.render(AuditQuery(), [], ZONE, {}, pages),
    ):
        row = [each for block in message.blocks if block["type"] == "actions" for each in block["elements"]]
        assert [(each["text"]["text"], each["action_id"], each["value"]) for each in row] == expected


def test_an_empty_page_after_others_does_not_say_that_there_is_nothing_at_all() -> None:
    assert "No older deploys" in history.render("checkout", None, NO_PAGE, BOTH).text
    assert "No older audit event" in audit.render(AuditQuery(), [], ZONE, {}, BOTH).text


def test_events_have_their_times_in_the_readers_zone_and_links_to_their_deploys() -> None:
    minute, asked_for = timedelta(minutes=1), f"checkout v1.4.2 to staging (<{LINK}|D-12>)"
    (text,) = texts_of(LISTINGS["audit"]())

    assert text.splitlines() == [
        ":scroll: *Audit events*",
        f"{second(NOON)} <@U0SAM00001> rejected <{LINK}|D-12>: no &amp; &lt;!channel&gt; D-12",
        f"{second(NOON - minute)} <@U0BOB00001> approved <{LINK}|D-12> (1 of 2 approvals)",
        f"{second(NOON - 2 * minute)} Nomatron: D-11 succeeded",
        f"{second(NOON - 3 * minute)} <@U0CAROL001> by `repo:shop/checkout` requested {asked_for}",
        f"{second(NOON - timedelta(days=1))} `root` on the host made catalog 0a0a0a0a0a0a active, the first one",
    ]


def test_the_date_that_was_asked_for_is_said_once_with_its_zone() -> None:
    (text,) = texts_of(LISTINGS["audit-narrowed"]())

    day = "Saturday 21 November 2026 in Europe/Amsterdam"

    assert text.splitlines() == [
        f":scroll: *Audit events* of {day}, about *checkout*, in *production*, by <@U0BOB00001>",
        f"{second(NOON - timedelta(minutes=1))} <@U0BOB00001> approved D-12 (1 of 2 approvals)",
    ]


def test_the_events_of_one_deploy_say_which() -> None:
    (text,) = texts_of(LISTINGS["audit-deploy"]())
    day = AuditQuery(span=TODAY, deploy=12)

    assert text.startswith(f":scroll: *Audit events* of D-12\n{second(NOON)} ")
    assert audit.render(day, [], ZONE, {}, Pages()).text == (
        ":mag: No audit events of D-12, of Saturday 21 November 2026 in Europe/Amsterdam."
    )


def test_what_is_left_out_is_counted_with_a_button_to_it() -> None:
    message = audit.render(AuditQuery(), bodies(), ZONE, {}, Pages(steps="s"), 1200)
    nothing = audit.render(AuditQuery(deploy=12), [], ZONE, {}, Pages(steps="s"), 1)

    small, row = message.blocks[-2:]
    assert (
        small["elements"][0]["text"]
        == "newest first · times in your time zone · 1,200 steps of Nomatron itself left out"
    )
    assert [(each["action_id"], each["value"]) for each in row["elements"]] == [(STEPS, "s")]
    assert nothing.text == ":mag: No decisions or results of D-12."
    assert nothing.blocks[1]["elements"][0]["text"] == "1 step of Nomatron itself left out"


def test_a_long_page_is_cut_into_sections_and_nothing_of_it_is_lost() -> None:
    event = an_event(EventType.DEPLOY_FAILED, data={"detail": "x" * 500})
    message = audit.render(AuditQuery(), [json.loads(event.body())] * 20, ZONE, {1: LINK}, BOTH)

    assert_sound(message, KNOWN)
    assert "\n".join(texts_of(message)).count(f"<{LINK}|D-1> failed") == 20
    assert len(texts_of(message)) > 1


nasty_entries = st.builds(
    lambda **fields: an_entry(12, **fields),
    service=texts,
    environment=texts,
    version=texts,
    from_version=st.none() | texts,
    requester=actors,
    reason=texts,
    detail=texts,
    reverted=st.none() | st.sampled_from(RolloutStatus),
    status=st.sampled_from(list(Status)),
    approvers=st.lists(st.sampled_from([BOB.id, "<!channel>", "not an id"]), max_size=30).map(tuple),
    dispatched_at=st.none() | st.just(NOON),
    to_approve=st.none() | st.timedeltas(min_value=timedelta(0)),
)


@given(texts, st.none() | texts, st.lists(nasty_entries, max_size=12), texts | st.just(LINK))
@MANY
def test_nasty_histories(service: str, environment: str | None, shown: list[Any], url: str) -> None:
    assert_sound(history.render(service, environment, HistoryPage(tuple(shown), None, {12: url}), BOTH), KNOWN)


nasty_events = st.builds(
    lambda kind, actor, deploy, service, environment, data: {
        "type": kind,
        "actor": actor.key,
        "at": "2026-11-21T12:00:00.000000Z",
        "deploy": deploy,
        "service": service,
        "environment": environment,
        "data": {"reason": data, "detail": data, "version": data, "effect": data, "cause": data, "codes": [data]},
    },
    st.sampled_from(
        [
            EventType.DEPLOY_REQUESTED.value,
            EventType.DEPLOY_REJECTED.value,
            EventType.DEPLOY_PLANNED.value,
            EventType.DEPLOY_FAILED.value,
            EventType.ACTION_REFUSED.value,
            "a.type of later <!channel>",
        ]
    ),
    actors,
    st.integers(1, 2**63 - 1),
    texts,
    texts,
    texts,
)
conditions = st.builds(
    AuditQuery,
    span=st.none() | st.dates(date(1970, 1, 2), date(9999, 12, 29)).map(lambda day: day_of(day, UTC)),
    service=st.none() | texts,
    environment=st.none() | texts,
    actor=st.none() | actors,
    deploy=st.none() | st.integers(1, 2**63 - 1),
)


@given(conditions, st.lists(nasty_events, max_size=20))
@MANY
def test_nasty_audit_pages(query: AuditQuery, shown: list[dict[str, Any]]) -> None:
    links = {body["deploy"]: LINK for body in shown}

    assert_sound(audit.render(query, shown, ZoneInfo("Pacific/Apia"), links, BOTH), KNOWN)


def test_a_history_says_who_settled_a_deploy_and_what_landed_after_its_end() -> None:
    word = Word("failed", SAM, "seen")
    settled = an_entry(2, status=Status.FAILED, word=word)
    landed = an_entry(1, status=Status.WITHDRAWN, word=replace(word, stands=False), landed_late_at=NOON)
    page = HistoryPage((settled, landed), None, {})
    blocks = history.render("checkout", None, page, BOTH).blocks
    first, second_ = (block["text"]["text"] for block in blocks[1:3])

    assert " · resolved by <@U0SAM00001> as `failed`" in first
    assert "after all" not in first
    assert " · :rotating_light: *Nomad registered it after all* " in second_
    assert "resolved" not in second_
