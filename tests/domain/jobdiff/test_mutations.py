"""No difference is silent: every leaf of a job that has every block is changed, removed, and every part grows."""

from __future__ import annotations

from bot.domain.deploy.plan import Flag
from bot.domain.jobdiff.changes import change_list
from bot.domain.jobdiff.fields import word
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.jobdiff.text import whole
from tests.every_block import every_block, mutations
from tests.golden import golden_rows, needs_golden

REDACTOR = Redactor()

REMOVABLE = {"Checks", "Identities", "Services", "TaskGroups", "Tasks", "Templates", "VolumeMounts", "Constraints"}
SERVERS = {"SubmitTime", "VersionTag", "Payload", "ParentID", "DispatchIdempotencyToken", "NomadTokenID", "Dispatched"}
SERVERS |= {"Status", "StatusDescription", "Stable", "Version", "CreateIndex", "ModifyIndex", "JobModifyIndex"}
FLAGGED = {
    ("Resources", "MemoryMB"): Flag.LESS_MEMORY,
    ("Vault",): Flag.REMOVED,
    ("User",): Flag.USER,
}
"""What is flagged if a task or group loses it, by the end of its path."""


def words_of(path):
    """Any of these words in the text names a place; an element of a list is named by its list."""
    if path[-1:] == ("Config",):
        # the driver's settings are listed one by one
        return {""}
    if "Constraints" in path:
        # another rule is one that is removed and one that is added, each in one line
        return {"constraint"}
    names = [each for each in path if isinstance(each, str)]
    last = names[-1] if names else "unheard_of"
    if last == "Name" and len(names) > 1 and names[-2] in {"TaskGroups", "Tasks"}:
        last = names[-2]
    # the list of a connection's objects has the objects' own names
    known = {"connect": "connect", "TaskGroups": "group", "Tasks": "task", "DynamicPorts": "dynamic port"}
    singular = {"Identities": "identity", "Affinities": "affinity", "ScalingPolicies": "scaling_policy"}
    singular |= {"ReservedPorts": "static port", "EnvoyGatewayBindAddresses": "bind_address"}
    return {known.get(last, ""), singular.get(last, ""), word(last), word(last.removesuffix("s")), last} - {""}


def flags_expected(what, path):
    """The flag that a removal must have; None if the kind is not a flagged one."""
    if what != "remove" or "Connect" in path:
        return None
    if len(path) > 1 and path[-2] in REMOVABLE and isinstance(path[-1], int):
        return Flag.REMOVED
    if "Secrets" in path or "Tasks" not in path:
        return None
    of_task = [each for each in (path[-1:], path[-2:-1]) if each == ("Env",)]
    if of_task and isinstance(path[path.index("Env") - 1], int):
        return Flag.REMOVED
    return next((flag for end, flag in FLAGGED.items() if path[-len(end) :] == end), None)


def judged(job):
    """Mutations that the list misses, does not name, or does not flag; and how many there were."""
    silent, unnamed, unflagged, number = [], [], [], 0
    for number, (what, path, after) in enumerate(mutations(job), 1):  # noqa: B007 - the number is the count
        found = change_list(job, after, REDACTOR)
        said = whole(found)
        if not found:
            silent.append((what, path))
        elif not any(each in said for each in words_of(path)):
            unnamed.append((what, path, said))
        flag = flags_expected(what, path)
        if flag is not None and not any(flag in change.flags for change in found):
            unflagged.append((what, path, said))
    return number, silent, unnamed, unflagged


def test_no_mutation_of_a_job_with_every_block_is_silent_nameless_or_unflagged():
    number, silent, unnamed, unflagged = judged(every_block())
    assert (silent, unnamed, unflagged) == ([], [], [])
    assert number > 2_000


@needs_golden
def test_no_mutation_of_other_peoples_jobs_is_silent():
    jobs = [row["job"] for row in golden_rows("parse.jsonl") if row["job"]][::12]
    for job in jobs:
        plain = {key: value for key, value in job.items() if key not in SERVERS}
        _, silent, unnamed, unflagged = judged(plain)
        assert (silent, unnamed, unflagged) == ([], [], [])
    assert len(jobs) > 10
