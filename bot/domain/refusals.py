"""What Nomad's words about a failed call mean: a refusal of the job, which is final, or an outage, which passes."""

from __future__ import annotations

import re
from typing import Final

NO_REGION: Final = "No path to region"
"""What Nomad says if no server of the region is known: the job names a wrong one, or the servers there are down."""
OWN_REGION: Final = "global"
"""The region that Nomad fills in if a jobspec names none; in a job it means the region of the agent."""

# an agent that hands a call on to a server puts this before the server's words
_FORWARDED = re.compile(r"\A(?:rpc error: )+")
# Nomad's list of everything that is wrong with a job; a register answers with one only before it writes
_LIST = re.compile(r"\A\d+ errors? occurred:\s*\* ")
# how a finding of Nomad's checks starts that comes without the head of a list
_FINDING = re.compile(
    r"""(?x)\A(?:
    (?:Task\ (?:group\ )?\S+|(?:Constraint|Affinity|Spread|Task|Task\ group|Update|Migrate|Scaling\ policy)\ \d+)
        \ (?:validation\ failed|redefines|missing\ name|in\ group)
    | (?i:Missing\ (?:job|task|periodic|parameterized|affinity|constraint|spread)\ \w)
    | (?i:job\ (?:ID|Name|type|priority|datacenters?|node\ pool|task\ group|periodic|count)\b\ )
    | job\ can't\ be\ submitted\ with\ | field\ 'Dispatched'\ is\ read-only
    | Job\ type\ "\w*"\ does\ not\ allow\ \w
    | job\ "[^"]*"\ is\ in\ nonexistent\ (?:namespace|node\ pool)\ "
    | cannot\ update\ (?:job\ from\ type\ "|(?:non-)?(?:periodic|parameterized)\ job\ to)
    | error\ in\ job\ mutator\ \S+:\ \S
    | (?:Vault|Consul)\ (?:"[^"]*"\ )?(?:is\ )?not\ enabled\b
    | [\w\ -]+\ requires\ Nomad\ Enterprise
    | total\ count\ was\ greater\ than\ configured
    | Invalid\ job\ type:
    | (?:Periodic|Parameterized\ job)\ can\ only\ be\ used\ with
    | (?i:System|System\ or\ sysbatch)\ jobs\ (?:may|should)\ not\ have
    | Auto\ Promote\ requires\ a\ Canary\ count
    | (?:Healthy|Progress)\ deadline\ must\ be
    | Minimum\ healthy\ time\ (?:must|may\ not)\ be
    | (?:Max\ parallel|Canary\ count|Task\ group\ count)\ can(?:\ not|'t)\ be
    | Only\ one\ task\ may\ be\ marked\ as\ leader
    )"""
)
# words of Nomad, Go or a proxy about themselves; a plan that fails with others fails because of the job
_OUTAGE = re.compile(
    r"""(?xi)
    \A\s*\Z | \bserver\ error\b | gateway | proxy | upstream | \brpc\ (?:error|method)\b
    | leader | not\ ready | no\ path\ to | no\ (?:known\ )?servers | raft | quorum | snapshot
    | time[d\ -]*\ ?out | deadline\ exceeded | connect(?:ion|ing)\b | \bEOF\b | broken\ pipe | stream | yamux | \bdial\b
    | shut(?:ting)?[\ -]*down | no\ space\ left | too\ many | rate\ limit | (?:try|retry)\ (?:again|later) | unavailable
    | runtime\ error | panic | acl | token | license
    """
)


def refuses_job(text: str) -> bool:
    """Whether the words come from Nomad's checks of a job, which all run before anything is written.

    Any other words may come from a later step, after the write was handed on, so they prove nothing about a register.
    """
    said = _FORWARDED.sub("", text)
    return bool(_LIST.match(said) or _FINDING.match(said))


def refuses_plan(text: str, *, names_region: bool) -> bool:
    """Whether these words of a 500 end a plan. ``names_region``: the job names another region than the cluster's own.

    A plan follows a read that the same servers answered, and it writes nothing. So unless Nomad speaks of itself, the
    job is the reason, and the same plan would fail for ever.
    """
    if NO_REGION in text:
        return names_region
    return refuses_job(text) or not _OUTAGE.search(text)


def names_other_region(of_job: str | None, of_cluster: str | None) -> bool:
    """Whether the job names a region and the catalog none; otherwise all calls go to the cluster's own region."""
    return not of_cluster and (of_job or OWN_REGION) != OWN_REGION
