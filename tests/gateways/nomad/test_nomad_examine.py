"""The cluster as doctor sees it: a simulated one that pretends, and answers that no Nomad of today gives."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bot.domain.catalog.environment import Cluster
from bot.domain.diagnosis.nomad import NamespaceRule, NomadToken, TokenKind
from bot.errors import NomadForbidden, NomadRefused, NomadUnavailable
from bot.gateways.nomad.cluster import PythonNomads
from sandbox.nomad.server import SimulatedNomad
from tests.gateways.nomad.worlds import World, hcl, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.gateways.nomad.examine import NomadExaminer

READ = ["parse-job", "plan-job", "read-job"]


@pytest.fixture
async def simulated() -> AsyncIterator[World]:
    server = SimulatedNomad(speed=100)
    address = await server.start()
    async with open_world(address, simulated=True) as world:
        yield world
    await server.stop()


async def test_a_cluster_without_acls(simulated: World) -> None:
    nomad = simulated.nomad.examiner()

    date = await nomad.date()
    assert date is not None
    assert abs((datetime.now(UTC) - date).total_seconds()) < 5
    assert await nomad.token() == NomadToken(kind=TokenKind.OFF)
    assert await nomad.version() == "2.0.6-sim"
    assert (await nomad.namespace("apps"), await nomad.namespace("nowhere")) == (True, False)
    assert set((await nomad.proofs("apps")).items()) == {(each, True) for each in (*READ, "list-jobs")}
    assert await simulated.call("GET", "jobs") == []


async def test_a_template_is_accepted_or_refused(simulated: World) -> None:
    nomad = simulated.nomad.examiner()

    await nomad.accepts(hcl("shop"), {"tag": "v1"}, "default")
    with pytest.raises(NomadRefused, match="tag"):
        await nomad.accepts(hcl("shop"), {}, "default")


async def test_a_token_of_type_client_and_its_policy(simulated: World) -> None:
    await simulated.control("pretend", {"acl": "client", "capabilities": {"apps": READ}})
    nomad = simulated.nomad.examiner()

    rules = (NamespaceRule("apps", frozenset(READ)),)
    assert await nomad.token() == NomadToken(kind=TokenKind.CLIENT, rules=rules)
    assert await nomad.version() is None
    assert dict(await nomad.proofs("apps")) == {**dict.fromkeys(READ, True), "list-jobs": False}
    # it may not even see that one
    assert await nomad.namespace("staging")


async def test_a_policy_that_may_not_be_read(simulated: World) -> None:
    await simulated.control("pretend", {"acl": "client", "capabilities": {"apps": READ}, "readable": False})

    assert (await simulated.nomad.examiner().token()).rules is None


@pytest.mark.parametrize("acl", ["anonymous", "management"])
async def test_other_tokens(simulated: World, acl: str) -> None:
    await simulated.control("pretend", {"acl": acl})

    assert (await simulated.nomad.examiner().token()).kind.value == acl


@pytest.mark.parametrize("acl", ["unknown", "expired"])
async def test_a_token_that_is_none(simulated: World, acl: str) -> None:
    await simulated.control("pretend", {"acl": acl})

    with pytest.raises(NomadForbidden):
        await simulated.nomad.examiner().token()


async def test_a_clock_that_is_off(simulated: World) -> None:
    await simulated.control("pretend", {"clock": -400})

    date = await simulated.nomad.examiner().date()

    assert date is not None
    assert 390 < (datetime.now(UTC) - date).total_seconds() < 410


# --- answers of other Nomads -----------------------------------------------------------------------------------------

TOKEN = {"AccessorID": "5e1f", "Type": "client", "Policies": ["one"]}
RULES = {
    "Namespaces": [{"Name": "*", "Capabilities": ["read-job"]}, {"Name": "apps", "Capabilities": None}, "junk"],
    "Agent": {"Policy": "read"},
    "Node": {"Policy": "write"},
    "Operator": None,
}


@asynccontextmanager
async def answering(answers: dict[str, Any]) -> AsyncIterator[NomadExaminer]:
    """A server that gives these answers, by path behind /v1/; a status for a number, 404 for all else."""

    async def answer(request: web.Request) -> web.Response:
        found = answers.get(request.path.removeprefix("/v1/"), 404)
        if isinstance(found, int):
            return web.Response(status=found, text="Permission denied")
        return web.json_response(found, headers={"Date": str(answers.get("date", ""))})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    nomads = PythonNomads(lambda _: None)
    try:
        yield nomads.examined(Cluster(name="main", address=f"http://127.0.0.1:{runner.addresses[0][1]}"))
    finally:
        nomads.close()
        await runner.cleanup()


async def token(**answers: Any) -> NomadToken:
    given = {"acl/token/self": TOKEN, "acl/policy/one": {"Name": "one", "RulesJSON": RULES}}
    async with answering({**given, **{name.replace("_", "/"): answer for name, answer in answers.items()}}) as nomad:
        return await nomad.token()


async def test_rules_beyond_namespaces_are_named() -> None:
    found = await token()

    assert found.rules == (NamespaceRule("*", frozenset({"read-job"})), NamespaceRule("apps", frozenset()))
    assert found.beyond == {"node write"}


async def test_the_policies_of_roles_count() -> None:
    role = {"acl/role/id/r1": {"Name": "deployer", "Policies": [{"Name": "one"}]}}
    self_ = {**TOKEN, "Policies": None, "Roles": [{"ID": "r1", "Name": "deployer"}]}

    async with answering({"acl/token/self": self_, "acl/policy/one": {"RulesJSON": RULES}, **role}) as nomad:
        assert (await nomad.token()).capabilities("staging") == {"read-job"}


@pytest.mark.parametrize("policy", [403, 404, {"Name": "one", "Rules": 'namespace "*" {}'}])
async def test_policies_that_do_not_say(policy: Any) -> None:
    assert (await token(acl_policy_one=policy)).rules is None


@pytest.mark.parametrize(
    ("time", "expires"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        (None, None),
        ("soon", None),
    ],
)
async def test_when_a_token_ends(time: str | None, expires: datetime | None) -> None:
    assert (await token(acl_token_self={**TOKEN, "ExpirationTime": time})).expires == expires


@pytest.mark.parametrize(
    ("agent", "version"),
    [
        ({"config": {"Version": {"Version": "1.10.2", "VersionPrerelease": ""}}}, "1.10.2"),
        ({"config": {"Version": {"Version": "2.1.0", "VersionPrerelease": "beta.1"}}}, "2.1.0-beta.1"),
        ({"config": None}, None),
        (403, None),
    ],
)
async def test_versions(agent: Any, version: str | None) -> None:
    async with answering({"agent/self": agent}) as nomad:
        assert await nomad.version() == version


async def test_a_server_that_tells_no_date() -> None:
    async with answering({"status/leader": "127.0.0.1:4647"}) as nomad:
        assert await nomad.date() is None


async def test_a_proof_that_fails_otherwise_proves_nothing(simulated: World) -> None:
    await simulated.control("outage", {"mode": "error500"})

    with pytest.raises(NomadUnavailable):
        await simulated.nomad.examiner().proofs("default")
