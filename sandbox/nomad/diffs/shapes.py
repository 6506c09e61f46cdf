"""How a diff shows each kind of nested block: name, hidden fields, comparison and order, as Nomad does."""

from __future__ import annotations

from typing import Any, Final

from sandbox.nomad.diffs.flat import Change, Flat, everything, object_diff, primitives, sort_changes
from sandbox.nomad.diffs.objects import (
    Comparer,
    Shape,
    by_key,
    by_position,
    by_similarity,
    match_by_key,
    opaque,
    strings,
    value_set,
    values,
)


def _name_of(block: dict[str, Any]) -> str:
    return str(block["Name"])


def _lists(block: dict[str, Any]) -> Flat:
    return {name: ",".join(value) for name, value in block.items() if value}


IDENTITY: Final = Shape("Identity", nested=(("Audience", strings("Audience")),))
_MOUNT_OPTIONS: Final = Shape("MountOptions", nested=(("MountFlags", strings("MountFlags")),))
_VOLUME: Final = Shape("Volume", nested=(("MountOptions", _MOUNT_OPTIONS.compare),))
_LINK: Final = Shape("Link")
UI: Final = Shape("UI", nested=(("Links", by_position(_LINK)),))
PERIODIC: Final = Shape("Periodic", nested=(("Specs", strings("Specs", changed_only=True)),))
PARAMETERIZED: Final = Shape(
    "ParameterizedJob",
    nested=(("MetaOptional", strings("MetaOptional")), ("MetaRequired", strings("MetaRequired"))),
)
SCALING: Final = Shape(
    "Scaling",
    hidden=frozenset(
        {"CreateIndex", "ModifyIndex", "ID", "Type", "Target[Job]", "Target[Group]", "Target[Namespace]", "Namespace"}
    ),
    nested=(("Policy", opaque("Policy")),),
    quiet=True,
)
DISCONNECT: Final = Shape("Disconnect", flatten=everything)


def _port(name: str, *hidden: str) -> Comparer:
    def compare(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
        one = values(name, *hidden)
        found: list[Change] = []
        for before, after in match_by_key(old, new, lambda port: str(port["Label"])):
            found += one(before, after, contextual)
        return sort_changes(found)

    return compare


def _cni(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
    return values("CNIConfig")((old or {}).get("Args"), (new or {}).get("Args"), contextual)


_NETWORK: Final = Shape(
    "Network",
    hidden=frozenset({"Device", "CIDR", "IP", "MBits"}),
    nested=(
        ("ReservedPorts", _port("Static Port")),
        ("DynamicPorts", _port("Dynamic Port", "Value", "IgnoreCollision")),
        ("DNS", Shape("DNS", flatten=_lists).compare),
        ("CNI", _cni),
    ),
)
NETWORKS: Final = by_key(_NETWORK, lambda network: repr(sorted(network.items(), key=str)))
RESOURCES: Final = Shape(
    "Resources",
    nested=(
        ("Networks", NETWORKS),
        ("Devices", by_key(Shape("Device"), _name_of)),
        ("NUMA", Shape("NUMA").compare),
    ),
)


def _volumes(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
    return by_key(_VOLUME, _name_of)(list((old or {}).values()), list((new or {}).values()), contextual)


VOLUMES: Final = _volumes
_SCRIPT: Final = Shape("ChangeScript", nested=(("Args", strings("Args")),))
_TEMPLATE: Final = Shape(
    "Template",
    pointers=frozenset({"Uid", "Gid"}),
    # Nomad calls the wait block a Template too
    nested=(("Wait", Shape("Template", flatten=everything).compare), ("ChangeScript", _SCRIPT.compare)),
)


def _same_destination(template: Any, _place: int, others: list[Any], taken: set[int]) -> int:
    found = (i for i, each in enumerate(others) if i not in taken and each["DestPath"] == template["DestPath"])
    return next(found, -1)


TEMPLATES: Final = by_similarity(_TEMPLATE, _same_destination)
ARTIFACTS: Final = value_set("Artifact", "RelativeDest")
CONSTRAINTS: Final = value_set("Constraint")
AFFINITIES: Final = value_set("Affinity")
VAULT: Final = Shape("Vault")


def _secret(block: dict[str, Any]) -> Flat:
    return primitives(block) | everything({key: block[key] for key in ("Config", "Env") if block[key]})


SECRETS: Final = by_key(Shape("Secret", flatten=_secret), _name_of)
MOUNTS: Final = by_position(Shape("VolumeMount"))
ACTIONS: Final = by_position(Shape("Action", nested=(("Args", strings("Args")),)))
IDENTITIES: Final = by_key(IDENTITY, _name_of)
CONFIG: Final = opaque("Config")


def _schedule(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
    return values("Schedule")((old or {}).get("Cron"), (new or {}).get("Cron"), contextual)


SCHEDULE: Final = _schedule


def multiregion(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
    """The diff of strategy and regions; leaves out a region whose own fields are equal."""
    if old == new:
        return []
    kind = "Added" if old is None else "Deleted" if new is None else "Edited"
    found = values("Strategy")((old or {}).get("Strategy"), (new or {}).get("Strategy"), contextual)
    regions = Shape("Region", nested=(("Datacenters", strings("Datacenters", changed_only=True)),))
    found += by_key(regions, _name_of)((old or {}).get("Regions"), (new or {}).get("Regions"), contextual)
    return [object_diff("Multiregion", kind, [], sort_changes(found))]
