from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.catalog.catalog import SERVICE_OWNERS, Catalog
from bot.domain.catalog.environment import Rule
from tests.builders import a_catalog, a_placement, a_service, a_template, an_environment


def placed(**changes) -> Catalog:
    """A catalog whose service says something of staging."""
    return a_catalog(services={"checkout": a_service(placements={"staging": a_placement(**changes)})})


def test_a_service_is_where_the_catalog_says():
    catalog = placed()

    assert catalog.placement("checkout", "staging") == a_placement()
    assert catalog.placement("checkout", "production") is None
    assert catalog.placement("cart", "staging") is None


def test_a_placements_channel_and_template_come_before_the_environments_and_the_services():
    special = replace(placed(channel="C0CHECKOUT", template="other"), templates={"other": a_template("other")})

    assert placed().channel_for("checkout", "staging") == "C0STAGING1"
    assert special.channel_for("checkout", "staging") == "C0CHECKOUT"
    assert special.channel_for("gone", "staging") == "C0STAGING1"
    assert placed().template_for("checkout", "staging").name == "web"
    assert special.template_for("checkout", "staging").name == "other"


def test_there_is_no_template_where_it_is_not_deployed():
    with pytest.raises(KeyError):
        placed().template_for("checkout", "production")


def test_a_placements_rules_are_added_never_instead():
    both = replace(placed(approvals=(Rule("sre"),)), environments={"staging": an_environment(approvals=(Rule("a"),))})

    assert both.rules_for("checkout", "staging") == (Rule("a"), Rule("sre"))
    assert both.rules_for("cart", "staging") == (Rule("a"),)


def test_the_owners_of_a_service_are_a_group_of_the_catalog():
    catalog = a_catalog()

    assert catalog.group_of(Rule(SERVICE_OWNERS), "checkout").name == "developers"
    assert catalog.group_of(Rule("sre"), "checkout").name == "sre"


def test_a_job_id_may_hold_the_environment():
    assert a_service(job="shop-{environment}").job_id("staging") == "shop-staging"
    assert a_service(job="shop").job_id("staging") == "shop"


LEVELS = ("template", "environment", "service", "placement", "request")


@pytest.mark.parametrize("highest", range(len(LEVELS)))
def test_the_nearest_level_sets_a_variable(highest: int):
    given = [{"count": level} if number <= highest else {} for number, level in enumerate(LEVELS)]
    template, environment, service, placement, request = given
    catalog = a_catalog(
        templates={"web": a_template(variables=template)},
        environments={"staging": an_environment(variables=environment)},
        services={"checkout": a_service(variables=service, placements={"staging": a_placement(variables=placement)})},
    )

    values = catalog.variables_for("checkout", "staging", "v1", request, frozenset({"count", "version"}))

    assert values == {"count": LEVELS[highest], "version": "v1"}


def test_an_environments_variables_go_to_templates_that_declare_them():
    catalog = a_catalog(environments={"staging": an_environment(variables={"log_level": "warn", "region": "eu"})})

    assert catalog.variables_for("checkout", "staging", "v1", {}, frozenset({"region"})) == {
        "region": "eu",
        "version": "v1",
    }


def test_nothing_is_passed_as_the_version_but_the_version():
    catalog = a_catalog(services={"checkout": a_service(variables={"version": "latest"})})

    values = catalog.variables_for("checkout", "staging", "v1", {"version": "v0"}, frozenset())
    assert values == {"version": "v1"}


def test_equal_catalogs_have_one_fingerprint_whatever_the_order_of_their_files():
    both = {"staging": an_environment(), "production": an_environment("production")}

    assert a_catalog(environments=both).fingerprint == a_catalog(environments=dict(reversed(both.items()))).fingerprint
    assert len(a_catalog().fingerprint) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"timezone": "Europe/Amsterdam"},
        {"admin_channel": None},
        {"grants": ()},
        {"services": {}},
        {"templates": {"web": a_template(text="job {}")}},
        {"environments": {"staging": an_environment(variables={"weight": 0.1})}},
    ],
)
def test_any_change_moves_it(changes: dict):
    assert a_catalog(**changes).fingerprint != a_catalog().fingerprint
