"""Doctor's checks of Slack: the token, its scopes, and every channel, group and person in the catalog."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from bot.domain.diagnosis import slack as diagnosis_slack
from bot.domain.diagnosis.finding import Finding, clocks, unknown
from bot.operations.doctor.check import FailedCheck, attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.ports import Clock
    from bot.ports.doctor import ExaminedSlack

Found = TypeVar("Found")


async def examine_slack(
    slack: ExaminedSlack, catalog: Catalog | None, clock: Clock, seconds: float
) -> tuple[Finding, ...]:
    """All findings about Slack. If Slack rejects the token or does not answer, that is the only one."""
    token = await attempt("slack token", seconds, slack.token())
    if isinstance(token, FailedCheck):
        return (token.finding,)
    findings = (
        diagnosis_slack.token(token),
        clocks("slack clock", token.date, clock.now()),
        diagnosis_slack.scopes(token, slack.needed),
    )
    if catalog is None:
        return findings
    found = await asyncio.gather(
        _channels(slack, catalog, seconds),
        _usergroups(slack, catalog, seconds),
        _people(slack, catalog, token.team, seconds),
    )
    return (*findings, *chain.from_iterable(found))


async def _channels(slack: ExaminedSlack, catalog: Catalog, seconds: float) -> tuple[Finding, ...]:
    uses = diagnosis_slack.channel_uses(catalog)
    found = await _each("channel", uses, slack.channel, diagnosis_slack.channel, seconds)
    return (*diagnosis_slack.admin_channel(catalog), *found)


async def _usergroups(slack: ExaminedSlack, catalog: Catalog, seconds: float) -> tuple[Finding, ...]:
    """Check all user groups with one call; make none if the catalog has no user group, because free plans refuse it."""
    uses = diagnosis_slack.usergroup_uses(catalog)
    if not uses:
        return ()
    known = await attempt("user groups", seconds, slack.usergroups())
    if isinstance(known, FailedCheck):
        return (known.finding,)
    return tuple(diagnosis_slack.usergroup(group, names, known.get(group)) for group, names in uses.items())


async def _people(slack: ExaminedSlack, catalog: Catalog, team: str, seconds: float) -> tuple[Finding, ...]:
    uses = diagnosis_slack.people_uses(catalog)
    return await _each(
        "person",
        uses,
        slack.person,
        lambda user, groups, found: (diagnosis_slack.person(user, groups, found, team),),
        seconds,
    )


async def _each(
    kind: str,
    uses: Mapping[str, str],
    look_up: Callable[[str], Awaitable[Found]],
    diagnose: Callable[[str, str, Found], tuple[Finding, ...]],
    seconds: float,
) -> tuple[Finding, ...]:
    """Check one by one, because of Slack's rate limits; skip the rest once they would all fail the same way."""
    findings: list[Finding] = []
    for count, (each, used) in enumerate(uses.items(), 1):
        found = await attempt(f"{kind} {each} ({used})", seconds, look_up(each))
        if not isinstance(found, FailedCheck):
            findings += diagnose(each, used, found)
            continue
        findings.append(found.finding)
        left = len(uses) - count
        if found.systemic and left:
            findings.append(unknown(f"{kind}s", f"{left} more not checked", "fix that, then run doctor again"))
            break
    return tuple(findings)
