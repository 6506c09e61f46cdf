"""Whatever a record holds, its row gives it back: through the driver, into a real file."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from bot.domain.actor import CiIdentity, Operator, SlackUser, System
from bot.domain.catalog.release import Release
from bot.domain.catalog.variable import Bound, Declaration, Validation
from bot.domain.decision import Reason
from bot.domain.deploy.approval import Approval
from bot.domain.deploy.deploy import Deploy, Status
from bot.domain.deploy.dispatch import Answer, Attempt
from bot.domain.deploy.message import Delivery, Note, Outgoing, Posted
from bot.domain.deploy.plan import Change, Plan
from bot.domain.deploy.rollout import GroupHealth, Rollout, RolloutKind, RolloutStatus, RolloutWait, TaskFailure
from bot.domain.digest.schedule import Edition, FileState, Span
from store import tables
from store.audit.digests import edition_of, row_of
from store.sql.mapping import columns_of, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

# neither engine's text holds these two kinds; what people write is cleaned before it comes here
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
names = st.text("abcdefghij-0123456789", min_size=1, max_size=12)
instants = st.datetimes(timezones=st.just(UTC))
counts = st.integers(0, 2**31 - 1)
indexes = st.integers(0, 2**63 - 1)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
declarations = st.builds(
    Declaration,
    type=words,
    default=values,
    description=words,
    validations=st.lists(st.builds(Validation, words, words), max_size=2).map(tuple),
    whole=st.booleans(),
    bounds=st.lists(st.builds(Bound, st.sampled_from([">=", ">", "<=", "<"]), numbers), max_size=2).map(tuple),
    choices=st.lists(words | numbers, max_size=2).map(tuple),
)


def several(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


people = st.builds(SlackUser, names, names)
actors = (
    people
    | st.builds(CiIdentity, names, names, st.none() | names)
    | st.builds(Operator, names)
    | st.builds(System, names)
)
reasons = st.builds(Reason, names, words, several(names), several(names), names)
notes = st.builds(
    Note,
    text=words,
    lines=several(words),
    mention=several(names),
    users=several(names),
    groups=several(names),
    code=words,
    action=st.none() | st.tuples(words, names, names),
)
failures = st.builds(
    TaskFailure,
    allocation=names,
    group=names,
    task=names,
    event=words,
    message=words,
    exit_code=st.none() | st.integers(-(2**31), 2**31),
)
groups = st.builds(GroupHealth, name=words, desired=counts, healthy=counts, promoted=st.booleans())
changes = st.builds(Change, path=several(words), kind=names, old=words, new=words, effect=words)

RECORDS = {
    "deploys": st.builds(
        Deploy,
        id=indexes.filter(bool),
        service=names,
        environment=names,
        version=words,
        release=names,
        overrides=st.dictionaries(words, values, max_size=3),
        reason=st.none() | words,
        requester=actors,
        requested_at=instants,
        expires_at=instants,
        catalog=names,
        nonce=st.none() | names,
        asked_in=names,
        asked_via=words,
        status=st.sampled_from(Status),
        changed_at=instants,
        due_at=st.none() | instants,
        plan=counts,
        detail=words,
        blocked=several(reasons),
        replaces=st.booleans(),
    ),
    "plans": st.builds(
        Plan,
        deploy_id=indexes,
        number=counts,
        at=instants,
        job=words,
        fingerprint=names,
        base_index=indexes,
        base_version=st.none() | indexes,
        from_version=st.none() | words,
        changes=several(changes),
        effect=words,
        replaced=words,
        warnings=several(words),
        moved=several(words),
        unchanged=st.booleans(),
    ),
    "approvals": st.builds(Approval, deploy_id=indexes, plan=counts, user=people, at=instants, note=words, void=words),
    "attempts": st.builds(
        Attempt,
        deploy_id=indexes,
        plan=counts,
        number=counts,
        at=instants,
        answer=st.none() | st.sampled_from(Answer),
        text=words,
        taken_over=st.none() | instants,
    ),
    "rollouts": st.builds(
        Rollout,
        deploy_id=indexes,
        number=counts,
        kind=st.sampled_from(RolloutKind),
        status=st.sampled_from(RolloutStatus),
        started_at=instants,
        changed_at=instants,
        job_version=st.none() | indexes,
        job_modify_index=st.none() | indexes,
        evaluation=words,
        nomad_deployment=words,
        groups=several(groups),
        detail=words,
        failure=st.none() | failures,
        reverted_to=st.none() | indexes,
        reverted_as=st.none() | indexes,
        waits_for=st.none() | st.sampled_from(RolloutWait),
        unplaced=several(words),
        evaluated=st.booleans(),
        stuck=st.booleans(),
        task_failed=st.booleans(),
        ended_at=st.none() | instants,
    ),
    "releases": st.builds(
        Release,
        service=names,
        version=words,
        template_name=names,
        template=words,
        declared=st.frozensets(names),
        required=st.frozensets(names),
        declarations=st.dictionaries(names, declarations, max_size=2),
    ),
    "outbox": st.builds(
        Outgoing,
        kind=st.sampled_from(Delivery),
        deploy_id=st.none() | indexes,
        note=st.none() | notes,
        user=names,
        channel=names,
        ts=names,
        day=names,
        response_url=words,
        not_before=st.none() | instants,
        urgent=st.booleans(),
    ),
    "messages": st.builds(
        Posted,
        deploy_id=indexes,
        channel=names,
        ts=names,
        posting=st.none() | instants,
        twice=st.booleans(),
    ),
}
# what the store itself adds to a row
BESIDE: dict[str, dict[str, Any]] = {"releases": {"fingerprint": "f"}, "outbox": {"tries": 0, "fence": 0}}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('mapping') / 'rows.db'}")
    tables.Row.metadata.create_all(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


@pytest.mark.parametrize("name", RECORDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_gives_back_what_was_put_into_it(connection, name, data):
    record = data.draw(RECORDS[name])
    table = tables.Row.metadata.tables[name]
    beside = dict(BESIDE.get(name, {}))
    if name == "outbox":
        beside |= {at: data.draw(instants) for at in ("created_at", "due_at")}
    with connection.begin():
        connection.execute(table.insert().values({**columns_of(record), **beside}))
        row = connection.execute(select(table)).mappings().one()
        connection.rollback()
    assert record_of(type(record), row) == record


editions = st.builds(
    Edition,
    channel=names,
    day=st.dates(),
    span=st.builds(Span, instants, instants),
    environments=st.none() | several(names),
    timezone=names,
    catalog=names,
    posting=st.none() | instants,
    posted_in=names,
    ts=names,
    posted_at=st.none() | instants,
    twice=st.booleans(),
    refused_table=st.none() | instants,
    file=st.sampled_from(FileState),
    given_up=words,
)


@given(edition=editions)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_edition_has_a_column_for_each_end_of_its_span(connection, edition):
    table = tables.editions
    with connection.begin():
        connection.execute(table.insert().values(row_of(edition)))
        row = connection.execute(select(table)).mappings().one()
        connection.rollback()
    assert edition_of(row) == edition


def test_every_field_of_a_record_has_its_column():
    kinds: dict[str, Any] = {
        "deploys": Deploy,
        "plans": Plan,
        "approvals": Approval,
        "attempts": Attempt,
        "rollouts": Rollout,
        "releases": Release,
        "outbox": Outgoing,
        "messages": Posted,
        "editions": Edition,
    }
    for name, kind in kinds.items():
        names = {field.name for field in fields(kind)} - {"span"}
        assert names <= set(tables.Row.metadata.tables[name].columns.keys()), name
