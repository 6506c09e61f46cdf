"""What a plan replaces, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.domain.deploy.plan import Base, JobState
from bot.domain.deploy.sentences import cause_of, is_dated, maker, moves, replaced, replaced_on, takeover

LATE = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
ABSENT = Base(state=JobState.ABSENT)
OURS = Base(state=JobState.RUNNING, job_version=6, deploy=11, version="v2.1.2")
RESTORED = Base(state=JobState.RUNNING, job_version=8, deploy=11, version="v2.1.2", reverted=True)
NEWER = Base(state=JobState.RUNNING, job_version=7, deploy=12, version="v2.2.1")
FOREIGN = Base(state=JobState.RUNNING, job_version=7, token="1a2b3c4d", at=LATE)
NAMELESS = Base(state=JobState.RUNNING, job_version=0)
STOPPED = Base(state=JobState.STOPPED, job_version=6, deploy=11, version="v2.1.2")


@pytest.mark.parametrize(
    ("base", "words", "by"),
    [
        (ABSENT, "", ""),
        (OURS, "v2.1.2", "D-11"),
        (RESTORED, "v2.1.2", "D-11, restored by a revert in Nomad"),
        (
            FOREIGN,
            "job version 7, registered outside Nomatron by token 1a2b3c4d",
            "registered outside Nomatron by token 1a2b3c4d",
        ),
        (NAMELESS, "job version 0, registered outside Nomatron", "registered outside Nomatron"),
        (
            Base(state=JobState.RUNNING, job_version=2, reverted=True),
            "job version 2, restored by Nomad's revert and first registered outside Nomatron",
            "restored by Nomad's revert and first registered outside Nomatron",
        ),
    ],
)
def test_what_is_replaced_and_who_made_it(base, words, by):
    assert (replaced(base), maker(base)) == (words, by)


def test_the_date_is_that_of_the_readers_zone():
    assert replaced_on(FOREIGN, UTC).endswith("token 1a2b3c4d, 2026-11-20")
    assert replaced_on(FOREIGN, ZoneInfo("Europe/Amsterdam")).endswith(", 2026-11-21")
    assert (replaced_on(OURS, UTC), replaced_on(ABSENT, UTC), replaced_on(None, UTC)) == ("v2.1.2", "", "")
    assert (is_dated(FOREIGN), is_dated(OURS), is_dated(NAMELESS)) == (True, False, False)


def test_a_takeover_names_what_it_removes_and_where_to_keep_it():
    assert takeover(FOREIGN, ["env DB_URL"]) == (
        "This job already runs and was registered outside Nomatron by token 1a2b3c4d. All removals are flagged. "
        "To keep env DB_URL, add it to the template or to the catalog's variables."
    )
    assert "To keep env A, env B, add them to" in takeover(NAMELESS, ["env A", "env B"])
    assert "env 11 and 3 more, add them" in takeover(NAMELESS, [f"env {number}" for number in range(15)])
    assert takeover(NAMELESS, []) == "This job already runs and was registered outside Nomatron."


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (None, OURS, ()),
        (None, STOPPED, ("The job is stopped in Nomad.",)),
        (OURS, OURS, ()),
        (OURS, NEWER, ("D-12 (v2.2.1) was deployed meanwhile.",)),
        (ABSENT, OURS, ("D-11 (v2.1.2) was deployed meanwhile.",)),
        (OURS, FOREIGN, ("Job version 7 was registered outside Nomatron by token 1a2b3c4d.",)),
        (NEWER, RESTORED, ("A revert in Nomad restored v2.1.2 (D-11).",)),
        (OURS, ABSENT, ("The job no longer exists in Nomad.",)),
        (OURS, STOPPED, ("The job was stopped in Nomad.",)),
        (STOPPED, OURS, ("The job was started again in Nomad.",)),
        (STOPPED, NEWER, ("D-12 (v2.2.1) was deployed meanwhile.",)),
        (
            NEWER,
            STOPPED,
            (
                "The job was purged in Nomad and registered again.",
                "D-11 (v2.1.2) was deployed meanwhile.",
                "The job was stopped in Nomad.",
            ),
        ),
        (
            FOREIGN,
            NAMELESS,
            (
                "The job was purged in Nomad and registered again.",
                "Job version 0 was registered outside Nomatron.",
            ),
        ),
    ],
)
def test_what_happened_between_two_plans(before, now, said):
    assert moves(before, now) == said


@pytest.mark.parametrize(
    ("before", "now", "outside", "cause"),
    [
        (OURS, NEWER, (), "by D-12"),
        (NEWER, RESTORED, (), "by a revert in Nomad"),
        (OURS, FOREIGN, ((6, {}), (7, {})), "outside Nomatron"),
        # one of ours was deployed in between, so some of the changes are its own
        (OURS, FOREIGN, ((7, {}), (8, {})), "in Nomad"),
        (None, FOREIGN, ((6, {}), (7, {})), "outside Nomatron"),
        (NAMELESS, FOREIGN, (), "outside Nomatron"),
        (ABSENT, FOREIGN, ((6, {}), (7, {})), "outside Nomatron"),
    ],
)
def test_who_changed_the_live_job(before, now, outside, cause):
    assert cause_of(before, now, outside) == cause
