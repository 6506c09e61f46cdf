"""Whatever the records carry, Slack takes the message and reads nothing into it that is not ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.domain.access import Group, Whoami
from bot.domain.actor import CiIdentity, Operator, SlackUser
from bot.domain.decision import Reason, Refused
from bot.domain.deploy.approval import Seat, Seating
from bot.domain.deploy.deploy import Status
from bot.domain.deploy.message import Card, Note
from bot.domain.deploy.plan import Base, Change, Flag, JobState
from bot.domain.deploy.rollout import GroupHealth, RolloutKind, RolloutStatus, RolloutWait, TaskFailure
from bot.gateways.blocks import answers, modal, note, overview
from bot.gateways.blocks.card import message as card
from tests.builders import ALICE, BOB, a_plan, a_rollout, an_approval
from tests.clocks import NOON
from tests.gateways.blocks.cards import KNOWN, a_card
from tests.gateways.blocks.nasty import ids, texts
from tests.gateways.blocks.oracles import assert_sound, assert_sound_view

# shrinking a whole card takes minutes; the failing one is readable as it is
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
MANY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=_PHASES)
few_texts = st.lists(texts, max_size=30).map(tuple)
known_ids = st.sampled_from([ALICE.id, BOB.id, "not an id", "<!channel>"])
actors = st.one_of(
    st.just(ALICE),
    st.builds(CiIdentity, issuer=texts, subject=texts, human=st.none() | known_ids),
    st.builds(Operator, name=texts),
    st.builds(SlackUser, team=texts, id=known_ids),
)
reasons = st.builds(
    Reason,
    code=st.sampled_from(["turn", "seats-missing", "locked"]),
    text=texts,
    since=st.none() | st.just(NOON),
    possible_at=st.none() | st.just(NOON),
    by=st.just("") | actors.map(lambda actor: actor.key),
    users=st.lists(known_ids, max_size=30).map(tuple),
    groups=st.lists(st.sampled_from(["S0SRE00001", "<!here>", ""]), max_size=30).map(tuple),
)
group_health = st.builds(
    GroupHealth,
    name=texts,
    desired=st.integers(0, 5000),
    placed=st.integers(0, 5000),
    healthy=st.integers(0, 9000),
    unhealthy=st.integers(0, 9),
    canaries=st.integers(0, 3),
)
failures = st.builds(
    TaskFailure,
    allocation=texts,
    group=texts,
    task=texts,
    event=texts,
    message=texts,
    exit_code=st.none() | st.integers(-1, 255),
)


@st.composite
def seatings(draw: Any) -> Seating:
    groups = st.one_of(
        st.builds(Group, name=texts, usergroup=st.sampled_from(["S0SRE00001", "S0DEV00001", "<!channel>"])),
        st.builds(Group, name=texts, users=st.frozensets(known_ids, max_size=4)),
    )
    seats = tuple(draw(st.lists(st.builds(Seat, label=texts, group=groups), max_size=15)))
    return Seating(seats, tuple(draw(st.none() | known_ids) for _ in seats))


@st.composite
def rollouts(draw: Any) -> tuple[Any, ...]:
    kinds = draw(st.lists(st.sampled_from(list(RolloutKind)), max_size=4))
    return tuple(
        a_rollout(
            12,
            number,
            kind=kind,
            status=draw(st.sampled_from(list(RolloutStatus))),
            groups=tuple(draw(st.lists(group_health, max_size=12))),
            unplaced=tuple(draw(st.lists(texts, max_size=4))),
            stuck=draw(st.booleans()),
            waits_for=draw(st.none() | st.sampled_from(RolloutWait)),
            detail=draw(texts),
            failure=draw(st.none() | failures),
            reverted_to=draw(st.none() | st.integers(0, 99)),
        )
        for number, kind in enumerate(kinds, 1)
    )


@st.composite
def nasty_cards(draw: Any) -> Card:
    deploy = {
        "service": draw(texts),
        "environment": draw(texts),
        "version": draw(texts),
        "release": "0" * 64,
        "reason": draw(st.none() | texts),
        "requester": draw(actors),
        "detail": draw(texts),
        "overrides": draw(st.dictionaries(texts, texts | st.integers(), max_size=12)),
        "blocked": tuple(draw(st.lists(reasons, max_size=20))),
        "replaces": draw(st.booleans()),
    }
    shown = a_plan(
        12,
        2,
        effect=draw(texts),
        warnings=draw(few_texts),
        moved=draw(few_texts),
        changes=tuple(draw(st.lists(_changes, max_size=20))),
        differs=draw(few_texts),
        compared_with=draw(texts),
        base=draw(st.none() | _bases),
    )
    return a_card(
        draw(st.sampled_from(list(Status))),
        deploy=deploy,
        plan=draw(st.none() | st.just(shown)),
        seating=draw(seatings()),
        approvals=tuple(
            an_approval(12, 2, BOB, note=draw(texts), void=draw(texts)) for _ in range(draw(st.integers(0, 20)))
        ),
        rollouts=draw(rollouts()),
        from_version=draw(st.none() | texts),
        links={draw(texts): draw(texts | st.just("https://nomad.eu/ui/jobs/checkout@apps"))},
        job=draw(texts),
        namespace=draw(texts),
        twice=draw(st.booleans()),
        locks=tuple(replace(each, code="locked") for each in draw(st.lists(reasons, max_size=9))),
    )


_changes = st.builds(
    Change,
    path=st.lists(texts, min_size=1, max_size=4).map(tuple),
    kind=st.sampled_from(["Added", "Deleted", "Edited"]),
    old=texts,
    new=texts,
    effect=texts,
    flags=st.lists(st.sampled_from(Flag), max_size=4).map(tuple),
    hidden=st.booleans(),
    outside=st.none() | st.integers(0, 9),
)
_bases = st.builds(
    Base,
    state=st.sampled_from(JobState),
    job_version=st.none() | st.integers(0, 99),
    deploy=st.none() | st.integers(1, 99),
    version=st.none() | texts,
    reverted=st.booleans(),
    first=st.booleans(),
    token=texts,
    at=st.none() | st.just(NOON),
)


@given(nasty_cards())
@MANY
def test_cards(nasty: Card) -> None:
    assert_sound(card.render(nasty), KNOWN)
    assert_sound(answers.one(nasty), KNOWN)
    assert_sound(answers.plan(nasty), KNOWN)
    assert_sound(answers.request_recorded(nasty.deploy, existing=False, channel="C0PROD0001", notes=("a",)), KNOWN)
    recorded = answers.request_recorded(nasty.deploy, existing=False, holds=(*nasty.locks, *nasty.deploy.blocked))
    assert_sound(recorded, KNOWN)
    assert_sound(answers.approval_counted(nasty.deploy, nasty.seating), KNOWN)
    assert_sound(answers.deploy_changed(nasty.deploy, "your approval was taken back"), KNOWN)


@given(
    st.builds(
        Note,
        text=texts,
        lines=few_texts,
        mention=st.lists(known_ids, max_size=30).map(tuple),
        users=st.lists(known_ids, max_size=30).map(tuple),
        groups=st.just(("S0SRE00001",)),
        code=texts,
        said=st.lists(st.tuples(known_ids, texts), max_size=60).map(tuple),
        reasons=st.lists(reasons, max_size=30).map(tuple),
        action=st.none() | st.tuples(texts, st.just("deploy.again"), st.just("D-12:2")),
    )
)
@MANY
def test_notes(nasty: Note) -> None:
    assert_sound(note.render(nasty), KNOWN)


@given(st.lists(reasons, min_size=1, max_size=30).map(tuple))
@MANY
def test_refusals(nasty: tuple[Reason, ...]) -> None:
    assert_sound(answers.refusal(Refused(nasty)), KNOWN)


@given(known_ids, st.lists(texts, max_size=40), st.lists(st.tuples(texts, texts), max_size=40))
@MANY
def test_whoami(user: str, groups: list[str], seats: list[tuple[str, str]]) -> None:
    refused = Refused((Reason("person-guest", "x"),))
    assert_sound(overview.whoami(Whoami(user, refused, tuple(groups), (), tuple(seats))), KNOWN)


@given(texts, ids)
@MANY
def test_the_reject_modal(what: str, number: str) -> None:
    assert_sound_view(modal.reject(number, "D-12:2", what), KNOWN)
    assert_sound_view(modal.instead(number, answers.went_wrong(what, ":x:")), KNOWN)
