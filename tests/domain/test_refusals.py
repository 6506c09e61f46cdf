from __future__ import annotations

import pytest

from bot.domain.refusals import names_other_region, refuses_job, refuses_plan

VAULT = 'Vault "default" not enabled but used in the job'
NO_DRIVER = "1 error occurred:\n\t* Task group web validation failed: 1 error occurred:\n\t* Missing task driver\n\n"
REFUSED = [
    f"1 error occurred:\n\t* {VAULT}\n\n",
    f'2 errors occurred:\n\t* {VAULT}\n\t* job "web" is in nonexistent node pool "gpu"\n\n',
    VAULT,
    'Consul "x" not enabled',
    "Vault not enabled and Vault policies requested",
    'job "web" is in nonexistent namespace "nope"',
    "numa scheduling requires Nomad Enterprise",
    "multiple Vault namespaces requires Nomad Enterprise, Namespaces: a, b",
    "error in job mutator connect: service.port must be set for mesh gateway service",
    "job can't be submitted with 'Dispatched' set",
    "total count was greater than configured job_max_count: 60000 > 50000",
    'cannot update job from type "batch" to "service"',
    NO_DRIVER,
]
AWAY = [
    "",
    "No cluster leader",
    "Not ready to serve consistent reads",
    "rpc error: EOF",
    "rpc error: failed to get conn: dial tcp 10.0.0.1:4647: connect: connection refused",
    "rpc error: rpc error: lead thread didn't get connection",
    "leadership lost while committing log",
    "node is not the leader",
    "timed out enqueuing operation",
    "context deadline exceeded",
    "read tcp 10.0.0.1:4647: i/o timeout",
    "write /opt/nomad/raft.db: no space left on device",
    "Internal Server Error",
    '{"message": "Internal server error"}',
    "upstream request failed",
]


@pytest.mark.parametrize("text", REFUSED)
@pytest.mark.parametrize("forwarded", ["", "rpc error: ", "rpc error: rpc error: "])
def test_the_checks_of_a_job_are_final_whichever_server_made_them(forwarded: str, text: str):
    assert refuses_job(forwarded + text)
    assert refuses_plan(forwarded + text, names_region=False)


@pytest.mark.parametrize("text", AWAY)
def test_an_outage_refuses_nothing(text: str):
    assert not refuses_job(text)
    assert not refuses_plan(text, names_region=True)


def test_words_that_nobody_knows_end_a_plan_but_prove_nothing_about_a_register():
    assert refuses_plan("the policy `no-latest` forbids this image", names_region=False)
    assert not refuses_job("the policy `no-latest` forbids this image")


@pytest.mark.parametrize("names_region", [True, False])
def test_a_missing_region_is_the_jobs_fault_only_if_the_job_names_it(names_region: bool):  # noqa: FBT001 -- a parameter
    for text in ("No path to region", "rpc error: No path to region"):
        assert refuses_plan(text, names_region=names_region) is names_region


@pytest.mark.parametrize(
    ("of_job", "of_cluster", "other"),
    [
        ("elsewhere", None, True),
        ("elsewhere", "eu", False),
        ("global", None, False),
        (None, None, False),
        ("", None, False),
    ],
)
def test_a_job_names_a_region_if_the_catalog_does_not(of_job: str | None, of_cluster: str | None, other: bool):  # noqa: FBT001 -- a parameter
    assert names_other_region(of_job, of_cluster) is other
