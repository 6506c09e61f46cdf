"""The diff of services, their checks and their Consul sidecars."""

from __future__ import annotations

from typing import Any, Final

from sandbox.nomad.admission.multierror import duration
from sandbox.nomad.diffs.flat import Change, Flat, fields, object_diff
from sandbox.nomad.diffs.objects import Comparer, Shape, by_key, by_similarity, opaque, strings, value_set, values
from sandbox.nomad.diffs.shapes import IDENTITIES, IDENTITY, MOUNTS, RESOURCES

_LIKE_ENOUGH: Final = 2
_CHECK: Final = Shape("Check", nested=(("Header", opaque("Header")), ("CheckRestart", Shape("CheckRestart").compare)))


def _name_of(block: dict[str, Any]) -> str:
    return str(block["Name"])


def _likest(service: Any, place: int, others: list[Any], taken: set[int]) -> int:
    """The index of the most similar service: name counts 3, port 2, position 1; a match needs more than 2."""
    scores = {
        index: (index == place) + 2 * (other["PortLabel"] == service["PortLabel"])
        + 3 * (other["Name"] == service["Name"])
        for index, other in enumerate(others)
        if index not in taken
    }  # fmt: skip
    # the first of several equal services wins
    found = max(scores, key=lambda index: (scores[index], -index), default=-1)
    return found if scores.get(found, 0) > _LIKE_ENOUGH else -1


def _upstream_key(upstream: dict[str, Any]) -> str:
    return f"{upstream['Datacenter']}/{upstream['DestinationName']}"


def _paths(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
    return value_set("Paths")(old, new, contextual)


def _changed(name: str) -> tuple[str, Comparer]:
    return name, strings(name, changed_only=True)


_UPSTREAM: Final = Shape("ConsulUpstreams", nested=(("MeshGateway", values("MeshGateway")),))
_TRANSPARENT: Final = Shape(
    "TransparentProxy",
    nested=tuple(
        _changed(name)
        for name in ("ExcludeInboundPorts", "ExcludeOutboundPorts", "ExcludeOutboundCIDRs", "ExcludeUIDs")
    ),
)


def _transparent(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
    """The diff of transparent proxies; like Nomad, lists a change even if there is none before and after."""
    if old is None and new is None:
        return [object_diff(_TRANSPARENT.name, "None", [])]
    return _TRANSPARENT.compare(old, new, contextual)


_PROXY: Final = Shape(
    "ConsulProxy",
    nested=(
        ("Upstreams", by_key(_UPSTREAM, _upstream_key)),
        ("Expose", Shape("Expose", flatten=lambda _block: {}, nested=(("Paths", _paths),)).compare),
        ("TransparentProxy", _transparent),
        ("Config", opaque("Config")),
    ),
)
_SIDECAR: Final = Shape("SidecarService", nested=(("Proxy", _PROXY.compare),))
_SIDECAR_TASK: Final = Shape(
    "SidecarTask",
    hidden=frozenset({"KillTimeout", "ShutdownDelay"}),
    nested=(
        ("Config", opaque("Config")),
        ("Resources", RESOURCES.compare),
        ("Identities", IDENTITIES),
        ("LogConfig", values("LogConfig")),
        ("VolumeMounts", MOUNTS),
    ),
    quiet=True,
)
_TLS: Final = Shape("TLS", nested=(("CipherSuites", strings("CipherSuites")), ("SDS", values("SDS"))))


def _headers(name: str) -> Shape:
    return Shape(name, nested=(("Remove", strings("Remove")),))


_INGRESS_SERVICE: Final = Shape(
    "ConsulIngressService",
    pointers=frozenset({"MaxConnections", "MaxPendingRequests", "MaxConcurrentRequests"}),
    nested=(
        ("Hosts", strings("Hosts")),
        ("TLS", _TLS.compare),
        ("RequestHeaders", _headers("RequestHeaders").compare),
        ("ResponseHeaders", _headers("ResponseHeaders").compare),
    ),
)
_LISTENER: Final = Shape("Listener", nested=(("Services", by_key(_INGRESS_SERVICE, _name_of)),))
_INGRESS: Final = Shape(
    "Ingress",
    nested=(
        ("TLS", _TLS.compare),
        ("Listeners", by_key(_LISTENER, lambda each: f"{each['Protocol']}/{each['Port']}")),
    ),
)
_TERMINATING: Final = Shape("Terminating", nested=(("Services", by_key(Shape("Service"), _name_of)),))


def _bind(block: dict[str, Any]) -> Flat:
    return {name: f"{each['Address']}:{each['Port']}" for name, each in block.items()}


_GATEWAY_PROXY: Final = Shape(
    "Proxy",
    hidden=frozenset({"ConnectTimeout"}),
    nested=(
        ("EnvoyGatewayBindAddresses", Shape("EnvoyGatewayBindAddresses", flatten=_bind).compare),
        ("Config", opaque("Config")),
    ),
)


def _gateway_proxy(old: Any, new: Any, contextual: bool) -> list[Change]:  # noqa: FBT001 - the shape of a Comparer
    """The diff of a gateway's proxy; shows its timeout as text, and only if there is a proxy before and after."""
    found = _GATEWAY_PROXY.compare(old, new, contextual)
    if found and old and new:
        before, after = (
            {"ConnectTimeout": "" if each["ConnectTimeout"] is None else duration(each["ConnectTimeout"])}
            for each in (old, new)
        )
        own = [*(found[0]["Fields"] or ()), *fields(before, after, contextual=contextual)]
        found[0]["Fields"] = sorted(own, key=lambda each: str(each["Name"])) or None
    return found


_GATEWAY: Final = Shape(
    "Gateway",
    nested=(
        ("Proxy", _gateway_proxy),
        ("Ingress", _INGRESS.compare),
        ("Terminating", _TERMINATING.compare),
        ("Mesh", Shape("Mesh").compare),
    ),
)
_CONNECT: Final = Shape(
    "ConsulConnect",
    nested=(
        ("SidecarService", _SIDECAR.compare),
        ("SidecarTask", _SIDECAR_TASK.compare),
        ("Gateway", _GATEWAY.compare),
    ),
)
_SERVICE: Final = Shape(
    "Service",
    nested=(
        ("CanaryTags", strings("CanaryTags")),
        ("Tags", strings("Tags")),
        ("Checks", by_key(_CHECK, _name_of)),
        ("Connect", _CONNECT.compare),
        ("Identity", IDENTITY.compare),
        ("Weights", Shape("Weights").compare),
    ),
)
SERVICES: Final = by_similarity(_SERVICE, _likest)
