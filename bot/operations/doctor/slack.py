"""``doctor``'s look at Slack: the token, its scopes, and every channel, group and person that the catalog names."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from bot.domain.diagnosis import slack as diagnosis_slack
from bot.domain.diagnosis.finding import Finding, clocks, untold, well
from bot.operations.doctor.check import Unseen, looked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.ports import Clock
    from bot.ports.doctor import ExaminedSlack

Found = TypeVar("Found")


async def examine_slack(
    slack: ExaminedSlack, catalog: Catalog | None, clock: Clock, seconds: float
) -> tuple[Finding, ...]:
    """Everything about Slack; where the token is no good, or Slack is away, that alone."""
    token = await looked("slack token", seconds, slack.token())
    if isinstance(token, Unseen):
        return (token.finding,)
    findings = (
        well("slack token", f"is a bot of {token.team_name or 'the workspace'} ({token.team})"),
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
    """All of them in one call, which is not made where the catalog names none: free plans have no user groups."""
    uses = diagnosis_slack.usergroup_uses(catalog)
    if not uses:
        return ()
    known = await looked("user groups", seconds, slack.usergroups())
    if isinstance(known, Unseen):
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
    look: Callable[[str], Awaitable[Found]],
    judge: Callable[[str, str, Found], tuple[Finding, ...]],
    seconds: float,
) -> tuple[Finding, ...]:
    """One after another, as Slack's limits want it; the rest is left out once all would fail alike."""
    findings: list[Finding] = []
    for count, (each, used) in enumerate(uses.items(), 1):
        found = await looked(f"{kind} {each} ({used})", seconds, look(each))
        if not isinstance(found, Unseen):
            findings += judge(each, used, found)
            continue
        findings.append(found.finding)
        left = len(uses) - count
        if found.alike and left:
            findings.append(untold(f"{kind}s", f"{left} more were not looked at", "mend that, then run doctor again"))
            break
    return tuple(findings)
