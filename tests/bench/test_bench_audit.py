"""The bench runs, on a log too short to say anything about speed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter

import pytest

from bench.audit import main
from bench.database import database
from bench.log import FIRST_DAY, Log
from bench.replay import replay, statements
from bot.domain.audit.events import EventType
from bot.domain.audit.history import OUTCOMES, entry_of
from store import open_store

EVENTS = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bench")


def test_it_measures_every_page_the_report_and_the_history(folder, capsys):
    assert main(["--events", str(EVENTS), "--rounds", "1", "--data", str(folder), "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    names = [line["name"] for line in lines]
    assert len(names) == len(set(names)) == 16 + 5 + 9
    assert {"page of all, depth 0", "page of all, depth 540", "report of a day"} <= set(names)
    assert all(line["ours"] > 0 and line["theirs"] > 0 and len(line["ratio"]) == 3 for line in lines)


def test_the_table_says_what_is_beyond_its_goal(folder, capsys):
    assert main(["--events", str(EVENTS), "--rounds", "1", "--data", str(folder)]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("600 audit events")
    assert len(rows) == 30


def test_the_database_is_kept_for_the_next_run(folder):
    path = database(folder, EVENTS)
    made = path.stat().st_mtime_ns
    assert (database(folder, EVENTS), path.stat().st_mtime_ns) == (path, made)


def test_what_is_replayed_is_what_the_store_sends(folder):
    path = database(folder, EVENTS)

    async def act(store):
        async with store.read() as reading:
            await reading.events(limit=7)

    async def recorded():
        async with open_store(f"sqlite:///{path}") as store:
            return await statements(store, act)

    sent = asyncio.run(recorded())
    raw = sqlite3.connect(path, isolation_level=None)
    assert (len(sent), replay(raw, sent)) == (1, 7)
    raw.close()


def test_a_made_up_log_is_one_that_the_engine_could_have_written():
    log = Log(3_000)
    events = list(log.events())
    assert len(events) == 3_000
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert (events[0].at - FIRST_DAY).days == 0
    lives: dict[int, list] = {}
    for event in events:
        if event.deploy_id is not None:
            lives.setdefault(event.deploy_id, []).append(json.loads(event.body()))
    entries = {number: entry_of(bodies) for number, bodies in lives.items()}
    assert {number: entry.status for number, entry in entries.items()} == {
        number: deploy.status for number, deploy in log.deploys.items()
    }
    types = Counter(event.type for event in events)
    assert sum(types[kind] for kind in OUTCOMES) == sum(not entry.status.open for entry in entries.values())
    assert types[EventType.DEPLOY_REQUESTED] == len(entries)
