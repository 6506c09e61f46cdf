"""Validates constraints, affinities, spreads and the policies of groups, with Nomad's error texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobspec.job.defaults import SECOND
from sandbox.nomad.admission.multierror import duration, multierror, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobspec.job.fields import Job

    Check = Callable[[Job], list[str]]

_COMPARISONS: Final = frozenset({"=", "==", "is", "!=", "not", "<", "<=", ">", ">="})
_SETS: Final = frozenset({"set_contains", "set_contains_all", "set_contains_any"})
_OTHER: Final = frozenset(
    {"distinct_hosts", "distinct_property", "regexp", "version", "semver", "is_set", "is_not_set"}
)
_DELAYS: Final = ("constant", "exponential", "fibonacci")


def rules(part: Job, kind: str, job_type: str) -> list[str]:
    """Problems of the constraints, affinities and spreads of a job, a group or a task."""
    found = _each("Constraint", part["Constraints"], _constraint)
    if job_type == "system":
        found += ["System jobs may not have an affinity block"] if part["Affinities"] else []
        return found + (["System jobs may not have a spread block"] if kind != "task" and part["Spreads"] else [])
    found += _each("Affinity", part["Affinities"], _affinity)
    return found + (_each("Spread", part["Spreads"], _spread) if kind != "task" else [])


def _each(name: str, parts: list[Job] | None, check: Check) -> list[str]:
    found: list[str] = []
    for place, part in enumerate(parts or (), 1):
        found += within(f"{name} {place} validation failed", check(part))
    return found


def _constraint(rule: Job) -> list[str]:
    operand, right = rule["Operand"], rule["RTarget"]
    found = ["Missing constraint operand"] if not operand else []
    if operand in _SETS and not right:
        found.append("Set contains constraint requires an RTarget")
    elif operand in {"is_set", "is_not_set"} and right:
        found.append(f'Operator "{operand}" does not support an RTarget')
    elif operand in _COMPARISONS and not right:
        found.append(f'Operator "{operand}" requires an RTarget')
    elif operand not in _COMPARISONS | _SETS | _OTHER:
        found.append(f'Unknown constraint type "{operand}"')
    elif operand == "distinct_property" and right and not (right.isdecimal() and int(right) > 0):
        found.append(f"Distinct Property must have an allowed count of 1 or greater: {right} < 1")
    if operand != "distinct_hosts" and not rule["LTarget"]:
        found.append("no attribute provided but is required by operator")
    return found


def _affinity(rule: Job) -> list[str]:
    operand, weight = rule["Operand"], rule["Weight"]
    found = ["Missing affinity operand"] if not operand else []
    if operand in _SETS and not rule["RTarget"]:
        found.append("Set contains operators require an RTarget")
    elif operand in _COMPARISONS and not rule["RTarget"]:
        found.append(f'Operator "{operand}" requires an RTarget')
    elif operand not in _COMPARISONS | _SETS | {"regexp", "version", "semver"}:
        found.append(f'Unknown affinity operator "{operand}"')
    found += ["No LTarget provided but is required"] if not rule["LTarget"] else []
    found += ["Affinity weight cannot be zero"] if weight == 0 else []
    return found + (["Affinity weight must be within the range [-100,100]"] if not -100 <= weight <= 100 else [])


def _spread(spread: Job) -> list[str]:
    found = ["Missing spread attribute"] if not spread["Attribute"] else []
    if not 0 < spread["Weight"] <= 100:
        found.append("Spread block must have a positive weight from 0 to 100")
    seen: set[str] = set()
    for target in spread["SpreadTarget"] or ():
        if target["Value"] in seen:
            found.append(f'Spread target value "{target["Value"]}" already defined')
        seen.add(target["Value"])
    total = sum(target["Percent"] for target in spread["SpreadTarget"] or ())
    return found + (
        [f"Sum of spread target percentages must not be greater than 100%; got {total}%"] if total > 100 else []
    )


def update(policy: Job) -> list[str]:
    """Problems of an update block."""
    healthy, progress, least = policy["HealthyDeadline"], policy["ProgressDeadline"], policy["MinHealthyTime"]
    checks = (
        (policy["HealthCheck"] not in {"checks", "task_states", "manual"},
         f'Invalid health check given: "{policy["HealthCheck"]}"'),
        (policy["MaxParallel"] < 0, f"Max parallel can not be less than zero: {policy['MaxParallel']} < 0"),
        (policy["Canary"] < 0, f"Canary count can not be less than zero: {policy['Canary']} < 0"),
        (policy["Canary"] == 0 and policy["AutoPromote"], "Auto Promote requires a Canary count greater than zero"),
        (least < 0, f"Minimum healthy time may not be less than zero: {duration(least)}"),
        (healthy <= 0, f"Healthy deadline must be greater than zero: {duration(healthy)}"),
        (progress < 0, f"Progress deadline must be zero or greater: {duration(progress)}"),
        (least >= healthy,
         f"Minimum healthy time must be less than healthy deadline: {duration(least)} > {duration(healthy)}"),
        (progress != 0 and healthy >= progress,
         f"Healthy deadline must be less than progress deadline: {duration(healthy)} > {duration(progress)}"),
        (policy["Stagger"] <= 0, f"Stagger must be greater than zero: {duration(policy['Stagger'])}"),
    )  # fmt: skip
    return [text for wrong, text in checks if wrong]


def migrate(policy: Job) -> list[str]:
    """Problems of a migrate block."""
    least, healthy = policy["MinHealthyTime"], policy["HealthyDeadline"]
    known = policy["HealthCheck"] in {"checks", "task_states"}
    checks = (
        (policy["MaxParallel"] < 0, f"MaxParallel must be >= 0 but found {policy['MaxParallel']}"),
        (not policy["HealthCheck"] and policy["MaxParallel"] > 0, "Missing HealthCheck"),
        (not known and bool(policy["HealthCheck"]), f'Invalid HealthCheck: "{policy["HealthCheck"]}"'),
        (least < 0, f"MinHealthyTime is {duration(least)} and must be >= 0"),
        (healthy < 0, f"HealthyDeadline is {duration(healthy)} and must be >= 0"),
        (least > healthy, "MinHealthyTime must be less than HealthyDeadline"),
    )
    return [text for wrong, text in checks if wrong]


def restart(policy: Job) -> list[str]:
    """Problems of a restart block."""
    attempts, interval, delay = policy["Attempts"], policy["Interval"], policy["Delay"]
    tries = f"{attempts} times in an interval of {duration(interval)} with a delay of {duration(delay)}"
    checks = (
        (policy["Mode"] not in {"delay", "fail"}, f'Unsupported restart mode: "{policy["Mode"]}"'),
        (attempts == 0 and policy["Mode"] != "fail",
         f'Restart policy "{policy["Mode"]}" with {attempts} attempts is ambiguous'),
        (interval < 5 * SECOND, f"Interval can not be less than 5s (got {duration(interval)})"),
        (attempts * delay > interval, f"Nomad can't restart the TaskGroup {tries}"),
    )  # fmt: skip
    return [text for wrong, text in checks if wrong]


def reschedule(policy: Job) -> list[str]:
    """Problems of a reschedule block; one that reschedules nothing has none."""
    attempts, interval, delay, ceiling = (policy[key] for key in ("Attempts", "Interval", "Delay", "MaxDelay"))
    if not attempts and not policy["Unlimited"]:
        return []
    words = f"Attempts = {attempts}, Interval = {duration(interval)}, and Unlimited = true"
    early = (
        (attempts > 0 and interval <= 0, "Interval must be a non zero value if Attempts > 0"),
        (attempts > 0 and policy["Unlimited"], f"Reschedule Policy with {words} is ambiguous"),
        (attempts > 0 and policy["Unlimited"], "If Attempts >0, Unlimited cannot also be set to true"),
    )
    grows = policy["DelayFunction"] != "constant"
    delays = (
        (delay < 5 * SECOND, f"Delay cannot be less than 5s (got {duration(delay)})"),
        (policy["DelayFunction"] not in _DELAYS,
         f'Invalid delay function "{policy["DelayFunction"]}", must be one of ["constant" "exponential" "fibonacci"]'),
        (grows and ceiling < 5 * SECOND, f"Max Delay cannot be less than 5s (got {duration(delay)})"),
        (grows and ceiling < delay, f"Max Delay cannot be less than Delay {duration(delay)} (got {duration(ceiling)})"),
    )  # fmt: skip
    found = [text for wrong, text in early if wrong]
    bad_delays = [text for wrong, text in delays if wrong]
    found += bad_delays
    if not policy["Unlimited"]:
        if interval < 15 * SECOND:
            found.append(f"Interval cannot be less than 15s (got {duration(interval)})")
        # the attempts cannot be computed from invalid delays
        found += [] if bad_delays else _attempts(policy)
    return found


def _attempts(policy: Job) -> list[str]:
    """Problems if the interval is too short for the policy's attempts."""
    attempts, interval, delay, ceiling = (policy[key] for key in ("Attempts", "Interval", "Delay", "MaxDelay"))
    possible, needed = _viable(policy)
    if possible >= attempts:
        return []
    words = f"Nomad can only make {possible} attempts in {duration(interval)} with initial delay {duration(delay)}"
    function = f'delay function "{policy["DelayFunction"]}"'
    tail = f" and {function}" if policy["DelayFunction"] == "constant" else (
        f", {function}, and delay ceiling {duration(ceiling)}")  # fmt: skip
    rounded = (needed + SECOND // 2) // SECOND * SECOND
    return [words + tail, f"Set the interval to at least {duration(rounded)} to accommodate {attempts} attempts"]


def _viable(policy: Job) -> tuple[int, int]:
    """The number of attempts that fit into the interval, and the interval that all attempts need."""
    attempts, interval, delay, ceiling = (policy[key] for key in ("Attempts", "Interval", "Delay", "MaxDelay"))
    if policy["DelayFunction"] == "constant":
        needed = attempts * delay
        return (attempts if interval >= needed else interval // delay), needed
    possible = needed = 0
    one, other = delay, delay
    for place in range(attempts):
        following = 2**place * delay if policy["DelayFunction"] == "exponential" else one
        one, other = other, one + other
        # once the ceiling is reached the delays add up; before, Nomad counts the last alone
        needed = needed + ceiling if following > ceiling else following
        possible += needed < interval
    return possible, needed


def disk(block: Job) -> list[str]:
    """Problems of an ephemeral disk."""
    return ["minimum DiskMB value is 10; got " + str(block["SizeMB"])] if block["SizeMB"] < 10 else []


def scaling(group: Job) -> list[str]:
    """Problems of a group's scaling block."""
    policy, count = group["Scaling"], group["Count"]
    if not policy:
        return []
    least, most = policy["Min"] or 0, policy["Max"] or 0
    checks = (
        (most < 0, "maximum count must be specified and non-negative"),
        (0 <= most < least, "maximum count must not be less than minimum count"),
        (least < 0, "minimum count must be specified and non-negative"),
        (most < count, "task group count must not be greater than maximum count in scaling policy"),
        (count < least, "task group count must not be less than minimum count in scaling policy"),
    )
    found = [f"Scaling policy invalid: {text}" for wrong, text in checks if wrong]
    return [f"Task group scaling policy validation failed: {multierror(found)}"] if found else []
