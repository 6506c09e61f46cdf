from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.access import Group
from bot.domain.deploy.deploy import Status
from bot.domain.diagnosis.finding import ok
from bot.domain.diagnosis.nomad import NomadToken, TokenKind
from bot.errors import (
    NomadForbidden,
    NomadRefused,
    NomadUnavailable,
    PlanRequired,
    SettingsInvalid,
    SlackRefused,
    SlackUnavailable,
    StoreUnavailable,
    TokenRefused,
)
from bot.operations.doctor.run import CatalogFolder, Setup, doctor
from tests.builders import DEVELOPERS, SRE, a_catalog, a_deploy, a_draft, a_release
from tests.examined import FakeExaminedDatabase, FakeExaminedNomad, FakeExaminedNomads, FakeExaminedSlack

if TYPE_CHECKING:
    from bot.domain.catalog.catalog import Catalog
    from tests.fakes import World

CATALOG = a_catalog()


def a_setup(world: World, **changes: Any) -> Setup:
    """A set-up that is ok, except for ``changes``."""
    fields: dict[str, Any] = {
        "host": (ok("settings", "all are valid"),),
        "folder": a_folder(),
        "clock": world.clock,
        "store": world.store,
        "database": FakeExaminedDatabase(),
        "slack": FakeExaminedSlack(),
        "nomads": FakeExaminedNomads(),
        "seconds": 5,
    }
    return Setup(**{**fields, **changes})


def a_folder(catalog: Catalog | None = CATALOG, errors: int = 0) -> CatalogFolder:
    return CatalogFolder(path="catalog", errors=errors, catalog=catalog)


async def lines(setup: Setup) -> list[str]:
    return [str(each) for each in await doctor(setup)]


async def bad(setup: Setup) -> list[str]:
    """The findings that are not ok."""
    return [line for line in await lines(setup) if not line.startswith("ok: ")]


MANAGEMENT = "warning: cluster main token: the token is a management token"


async def test_everything_is_checked(world: World) -> None:
    found = await lines(a_setup(world))

    assert [line for line in found if not line.startswith("ok: ")] == [line for line in found if MANAGEMENT in line]
    subjects = [line.split(": ")[1] for line in found]
    assert subjects == [
        "settings", "database", "disk of /srv/nomatron.db", "catalog catalog", "slack token", "slack clock",
        "slack scopes", "channel C0OPS00001 (admin_channel)", "channel C0STAGING1 (staging)",
        "channel C0PROD0001 (production)", f"user group {DEVELOPERS} (developers)", f"user group {SRE} (sre)",
        "cluster main", "cluster main clock", "cluster main token", "cluster main version",
        "cluster main namespace staging", "cluster main namespace staging rights", "cluster main namespace production",
        "cluster main namespace production rights", "template web for checkout in staging",
        "template web for checkout in production",
    ]  # fmt: skip


# --- database and catalog --------------------------------------------------------------------------------------------


async def test_a_database_that_cannot_be_reached_hides_nothing_else(world: World) -> None:
    found = await lines(a_setup(world, database=FakeExaminedDatabase(failure=StoreUnavailable("gone"))))

    assert "error: database: gone; check that the database runs, and that NOMATRON_DATABASE_URL is correct" in found
    assert any(line.startswith("ok: template web") for line in found)


async def test_without_a_database_url_the_rest_is_checked(world: World) -> None:
    found = await lines(a_setup(world, database=None, store=None))

    assert not any("database" in line for line in found)
    assert any(line.startswith("ok: template web") for line in found)


async def test_a_database_without_tables_is_not_read(world: World) -> None:
    found = await bad(a_setup(world, database=FakeExaminedDatabase(at=None)))

    assert found[0] == "error: database: has no tables yet; run `nomatron migrate`"
    assert found[1].startswith("error: catalog catalog: no catalog was ever applied")


async def test_a_database_that_fails_while_it_is_read(world: World) -> None:
    world.store.hooks.before("read", StoreUnavailable("torn"), always=True)

    assert (await bad(a_setup(world)))[0].startswith("error: database: torn; ")


async def test_no_catalog_was_ever_applied(bare: World) -> None:
    assert (await bad(a_setup(bare)))[0].startswith("error: catalog catalog: no catalog was ever applied; run")


async def test_the_folder_is_examined_and_differs(world: World) -> None:
    other = replace(CATALOG, admin_channel="C0OTHER001")

    found = await lines(a_setup(world, folder=a_folder(other)))

    assert any(line.startswith("error: catalog catalog: differs from the active catalog") for line in found)
    assert any("C0OTHER001" in line for line in found)


async def test_with_errors_in_the_folder_the_active_catalog_is_examined(world: World) -> None:
    found = await lines(a_setup(world, folder=a_folder(None, errors=3)))

    assert any(line.startswith("error: catalog catalog: has 3 errors; run") for line in found)
    assert any(line.startswith("ok: template web") for line in found)


async def test_without_any_catalog_slack_is_checked(bare: World) -> None:
    found = await lines(a_setup(bare, folder=a_folder(None, errors=1)))

    assert found[-1].startswith("ok: slack scopes")
    assert not any("cluster" in line for line in found)


async def test_templates_are_tried_with_the_version_that_succeeded_last(world: World) -> None:
    async with world.store.begin() as unit:
        await unit.add_release(a_release(version="v7"))
        deploy = await unit.add_deploy(a_draft(version="v7"))
        done = a_deploy(deploy.id, Status.SUCCEEDED, version="v7")
        await unit.save_deploy(done)
    nomads = FakeExaminedNomads()

    await doctor(a_setup(world, nomads=nomads))

    assert [each["version"] for each in nomads.nomad.parsed] == ["v7", "v1.0.0"]


# --- Slack -----------------------------------------------------------------------------------------------------------


async def test_without_a_slack_address_slack_is_skipped(world: World) -> None:
    assert not any("slack" in line for line in await lines(a_setup(world, slack=None)))


async def test_if_slack_rejects_the_token_nothing_else_of_slack_is_checked(world: World) -> None:
    slack = FakeExaminedSlack(failures={"token": TokenRefused("invalid_auth")})

    found = await lines(a_setup(world, slack=slack))

    assert [line.split(": ")[1] for line in found if "slack" in line or "channel" in line] == ["slack token"]
    assert slack.asked == ["token"]


async def test_a_workspace_without_a_name(world: World) -> None:
    slack = FakeExaminedSlack()
    slack.bot = replace(slack.bot, team_name="")

    assert "ok: slack token: belongs to a bot in the workspace (T0NOMATRON)" in await lines(a_setup(world, slack=slack))


async def test_each_missing_channel_group_and_person_is_reported(world: World) -> None:
    owners = Group("owners", users=frozenset({"U0ALICE001", "U0BOB00001"}))
    catalog = replace(CATALOG, groups={**CATALOG.groups, "owners": owners})
    slack = FakeExaminedSlack(gone=frozenset({"C0STAGING1", SRE, "U0BOB00001"}))

    found = await bad(a_setup(world, slack=slack, folder=a_folder(catalog)))

    assert [line.split(": ")[1] for line in found if "error" in line][1:] == [
        "channel C0STAGING1 (staging)",
        f"user group {SRE} (sre)",
        "person U0BOB00001 (owners)",
    ]


async def test_groups_are_not_read_if_the_catalog_names_none(world: World) -> None:
    groups = {name: Group(name, users=frozenset({"U0SAM00001"})) for name in CATALOG.groups}
    slack = FakeExaminedSlack()

    await doctor(a_setup(world, slack=slack, folder=a_folder(replace(CATALOG, groups=groups))))

    assert "usergroups" not in slack.asked


async def test_a_plan_without_user_groups_is_reported_once(world: World) -> None:
    slack = FakeExaminedSlack(failures={"usergroups": PlanRequired("plan_upgrade_required")})

    found = await bad(a_setup(world, slack=slack))

    (line,) = (line for line in found if "group" in line)
    assert line.startswith("error: user groups: plan_upgrade_required; list the people in the catalog instead")


async def test_a_failed_channel_hides_no_other(world: World) -> None:
    slack = FakeExaminedSlack(failures={"C0OPS00001": SlackRefused("odd_one")})

    await doctor(a_setup(world, slack=slack))

    assert {"C0OPS00001", "C0STAGING1", "C0PROD0001"} <= set(slack.asked)


async def test_if_slack_goes_away_the_other_channels_are_skipped(world: World) -> None:
    slack = FakeExaminedSlack(failures={"C0OPS00001": SlackUnavailable("away")})

    found = await bad(a_setup(world, slack=slack))

    assert any(line.startswith("unknown: channels: 2 more not checked") for line in found)
    assert not {"C0STAGING1", "C0PROD0001"} & set(slack.asked)


async def test_nothing_is_skipped_after_the_last_channel(world: World) -> None:
    slack = FakeExaminedSlack(failures={"C0PROD0001": SlackUnavailable("away")})

    assert not any("more not" in line for line in await bad(a_setup(world, slack=slack)))


# --- Nomad -----------------------------------------------------------------------------------------------------------


async def of_nomad(world: World, nomad: FakeExaminedNomad, **changes: Any) -> list[str]:
    found = await lines(a_setup(world, nomads=FakeExaminedNomads(nomad), **changes))
    return [line for line in found if "cluster" in line or "template" in line]


async def test_a_token_that_is_not_set(world: World) -> None:
    nomads = FakeExaminedNomads(failure=SettingsInvalid("NOMAD_TOKEN is not set"))

    found = await bad(a_setup(world, nomads=nomads))

    assert found == ["error: cluster main: NOMAD_TOKEN is not set; set it for this process (docs/settings.md)"]


@pytest.mark.parametrize(
    ("look", "error", "last"),
    [
        ("date", NomadUnavailable("refuses connections"), "error: cluster main: refuses connections; "),
        ("token", NomadForbidden("ACL token expired"), "error: cluster main token: ACL token expired; "),
    ],
)
async def test_a_cluster_that_rejects_us_is_checked_no_further(
    world: World, look: str, error: Exception, last: str
) -> None:
    found = await of_nomad(world, FakeExaminedNomad(failures={look: error}))

    assert found[-1].startswith(last)


async def test_a_cluster_by_https_is_trusted(world: World) -> None:
    secure = replace(CATALOG.clusters["main"], address="https://nomad.example:4646")

    found = await of_nomad(world, FakeExaminedNomad(), folder=a_folder(replace(CATALOG, clusters={"main": secure})))

    assert "ok: cluster main: answers over trusted TLS" in found


async def test_without_a_token_the_cluster_is_checked_no_further(world: World) -> None:
    found = await of_nomad(world, FakeExaminedNomad(known=NomadToken(kind=TokenKind.ANONYMOUS)))

    assert found[-1].startswith("error: cluster main token: ACLs are on, but the catalog names no token")


@pytest.mark.parametrize(
    ("look", "subject"),
    [
        ("version", "cluster main version"),
        ("namespace", "cluster main namespace staging"),
        ("proofs", "cluster main namespace staging"),
    ],
)
async def test_a_failed_check_hides_no_other(world: World, look: str, subject: str) -> None:
    found = await of_nomad(world, FakeExaminedNomad(failures={look: NomadUnavailable("cut off")}))

    assert any(line.startswith(f"error: {subject}: cut off; ") for line in found)
    assert any(line.startswith("ok: template web") for line in found)


async def test_a_namespace_that_is_missing(world: World) -> None:
    found = await of_nomad(world, FakeExaminedNomad(missing=frozenset({"production"})))

    assert any(line.startswith("error: cluster main namespace production: does not exist") for line in found)
    assert not any("namespace production rights" in line for line in found)


async def test_a_right_that_is_missing(world: World) -> None:
    weak = FakeExaminedNomad(known=NomadToken(kind=TokenKind.CLIENT))

    found = await of_nomad(world, weak)

    assert any("namespace staging rights: the token lacks register-job" in line for line in found)


async def test_each_template_that_is_refused(world: World) -> None:
    found = await of_nomad(world, FakeExaminedNomad(failures={"accepts": NomadRefused("line 3: no")}))

    assert found[-2].startswith("error: template web for checkout in staging: line 3: no; correct the template")
    assert found[-1].startswith("error: template web for checkout in production: line 3: no; ")


async def test_if_a_cluster_goes_away_the_other_templates_are_skipped(world: World) -> None:
    found = await of_nomad(world, FakeExaminedNomad(failures={"accepts": NomadUnavailable("gone")}))

    assert found[-2].startswith("error: template web for checkout in staging: gone; ")
    assert found[-1].startswith("unknown: cluster main templates: 1 more not checked; ")


async def test_a_failed_last_template_skips_none(world: World) -> None:
    service = CATALOG.services["checkout"]
    one = replace(service, placements={"staging": service.placements["staging"]})
    folder = a_folder(replace(CATALOG, services={"checkout": one}))

    found = await of_nomad(world, FakeExaminedNomad(failures={"accepts": NomadUnavailable("gone")}), folder=folder)

    assert found[-1].startswith("error: template web for checkout in staging: gone; ")


async def test_a_template_that_only_a_request_completes_is_not_parsed(world: World) -> None:
    needy = replace(CATALOG.templates["web"], required=frozenset({"version", "count"}))
    nomad = FakeExaminedNomad()

    found = await of_nomad(world, nomad, folder=a_folder(replace(CATALOG, templates={"web": needy})))

    assert found[-1].startswith("unknown: template web for checkout in production: cannot be parsed without count")
    assert nomad.parsed == []
