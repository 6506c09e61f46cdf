"""The folder, read wholly or not at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.access import Grant, Group, Permission
from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.environment import After, Cluster, Require, Rule
from bot.domain.documents import document_of, record_from
from bot.gateways.catalog import Issue, Reading, read

EXAMPLE = Path(__file__).parents[3] / "examples" / "catalog"


def the_catalog(folder) -> Catalog:
    reading: Reading = folder.read()
    assert reading.errors == ()
    assert reading.catalog is not None
    return reading.catalog


def test_a_correct_folder_becomes_records(folder):
    catalog = the_catalog(folder)

    assert folder.warnings() == []
    assert catalog.timezone == "Europe/Amsterdam"
    assert catalog.groups["sre"] == Group("sre", usergroup="S0SRE00001")
    assert catalog.groups["owners"] == Group("owners", users=frozenset({"U0ALICE001", "U0BOB00001", "U0CAROL001"}))
    assert catalog.grants[0] == Grant("developers", frozenset({Permission.REQUEST, Permission.PROMOTE}))
    assert catalog.clusters["eu"] == Cluster(
        name="eu", address="https://nomad.example:4646", region="global", token_env="NOMAD_TOKEN_EU"
    )
    assert list(catalog.environments) == ["staging", "production"]
    assert list(catalog.services) == ["checkout"]


def test_an_environment_keeps_its_rules(folder):
    production = the_catalog(folder).environments["production"]

    assert production.approvals == (Rule("sre", 1), Rule("service.owners", 1))
    assert production.expires == timedelta(hours=12)
    assert production.reason_required
    assert not production.self_approval
    assert production.namespace == "apps"


def test_an_environment_keeps_what_comes_before_it(folder):
    folder.change(
        "    reason: required\n",
        "    reason: required\n    after: [{environment: staging, soak: 30m, require: running, within: 7d}]\n",
    )
    environments = the_catalog(folder).environments

    minutes, days = timedelta(minutes=30), timedelta(days=7)
    assert environments["staging"].after == ()
    assert environments["production"].after == (
        After(environment="staging", soak=minutes, require=Require.RUNNING, within=days),
    )


def test_the_short_form_of_what_comes_before_has_the_defaults(folder):
    folder.change("    reason: required\n", "    reason: required\n    after: [staging]\n")

    (after,) = the_catalog(folder).environments["production"].after
    assert after == After(environment="staging")
    assert (after.soak, after.require, after.within) == (timedelta(0), Require.PASSED, timedelta(days=30))


def test_what_is_left_out_takes_its_default(folder):
    folder.change("    namespace: staging\n", "")
    folder.change("      staging: {variables: {count: 1}}\n", "      staging:\n", file="services/checkout.yaml")
    catalog = the_catalog(folder)
    staging = catalog.environments["staging"]

    assert (staging.namespace, staging.expires, staging.reason_required) == ("default", timedelta(hours=24), False)
    assert catalog.services["checkout"].job == "checkout"
    assert dict(catalog.services["checkout"].placements["staging"].variables) == {}
    assert catalog.admin_channel == "C0OPS00001"


def test_a_template_is_kept_with_its_text_and_its_variables(folder):
    web = the_catalog(folder).templates["web"]

    assert web.text == folder.text("templates/web.nomad.hcl")
    assert web.declared == {"image_tag", "count", "memory", "port", "log_level"}
    assert web.required == {"image_tag"}
    assert dict(web.variables) == {"memory": 256}


def test_variables_of_all_levels_reach_the_parse(folder):
    catalog = the_catalog(folder)
    declared = catalog.templates["web"].declared
    given = catalog.variables_for("checkout", "production", "v1.4.2", {"count": 3}, declared)

    assert given == {"memory": 256, "log_level": "warn", "port": 8080, "count": 3, "image_tag": "v1.4.2"}


def test_the_fingerprint_moves_with_a_template_and_not_with_a_comment(folder):
    before = the_catalog(folder).fingerprint
    folder.add("# a comment\n")
    assert the_catalog(folder).fingerprint == before

    folder.change("default = 128", "default = 129", file="templates/web.nomad.hcl")
    assert the_catalog(folder).fingerprint != before


def test_the_record_survives_the_database(folder):
    folder.change("variables: {memory: 256}", "variables: {memory: 256.5}")
    catalog = the_catalog(folder)

    assert record_from(Catalog, document_of(catalog)) == catalog


def test_services_may_stand_in_the_main_file_too(folder):
    folder.add("""\
        services:
          - name: mailer
            template: web
            owners: owners
            version_variable: image_tag
            environments: {staging: {}}
        """)

    assert list(the_catalog(folder).services) == ["mailer", "checkout"]


def test_windows_line_ends_and_a_byte_order_mark_are_accepted(folder):
    for file in ("nomatron.yaml", "templates/web.nomad.hcl"):
        path = folder.path / file
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    path = folder.path / "nomatron.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert the_catalog(folder).templates["web"].required == {"image_tag"}


def test_every_error_of_every_file_is_reported_at_once(folder):
    folder.change("timezone: Europe/Amsterdam", "timezone: Europe/Amsterdm  # here")
    folder.change("    cluster: eu\n    namespace: apps", "    cluster: us  # here\n    namespace: apps")
    folder.change("    template: web\n", "    template: wep  # here\n", file="services/checkout.yaml")
    folder.change("    settable:", "    setable:  # here\n     ", file="services/checkout.yaml")
    folder.add("job {  # here\n", file="templates/web.nomad.hcl")
    reading = folder.read()

    assert reading.catalog is None
    places = [f"{each.file}:{each.line}" for each in reading.errors]
    assert places == [*folder.here()[:-1], "templates/web.nomad.hcl:20"]


def test_a_missing_folder_is_an_error_with_its_fix(tmp_path):
    (issue,) = read(tmp_path / "nowhere").errors

    assert issue == Issue(
        "nomatron.yaml",
        1,
        f"{tmp_path}/nowhere/nomatron.yaml does not exist; name the folder that has nomatron.yaml in it",
    )


@pytest.mark.parametrize("file", ["nomatron.yml", "services/mailer.yml", "services/shop/mailer.yaml"])
def test_a_file_that_would_not_be_read_is_an_error(folder, file):
    folder.write(file, "services: []\n")

    assert folder.errors() == [
        (
            f"{file}:1: this file is not part of the catalog, because only nomatron.yaml and services/NAME.yaml are "
            f"read; rename it, or move it out of the folder"
        )
    ]


def test_if_a_file_is_not_yaml_the_others_are_checked_by_the_schema_alone(folder):
    folder.write("nomatron.yaml", "groups: [\n")
    folder.change("    settable:", "    setable:", file="services/checkout.yaml")
    main, services = folder.errors()

    assert main.startswith("nomatron.yaml:2: not YAML: ")
    assert services.startswith(
        "services/checkout.yaml:8: unknown key `setable` in `checkout`; did you mean `settable`?"
    )


def test_a_file_that_cannot_be_opened_is_an_error(folder):
    (folder.path / "services/mailer.yaml").mkdir()

    assert folder.errors() == [
        "services/mailer.yaml:1: this file cannot be read (Is a directory); correct its permissions"
    ]


def test_the_example_is_correct_and_has_the_cast():
    reading = read(EXAMPLE)

    assert (reading.errors, reading.warnings) == ((), ())
    assert reading.catalog is not None
    assert list(reading.catalog.services) == ["checkout", "mailer", "report"]
    assert list(reading.catalog.environments) == ["staging", "production"]
    assert reading.catalog.groups["checkout-owners"].users == {"U0ALICE001", "U0BOB00001", "U0CAROL001"}
    assert reading.catalog.clusters["sandbox"].token_env == "NOMAD_TOKEN_SANDBOX"
