from __future__ import annotations

from dataclasses import replace

from bot.domain.decision import Allowed, Refused
from bot.domain.deploy.variables import check_values, newer_template
from tests.builders import JOBSPEC, a_catalog, a_release, a_service, a_template

NEWER = (
    "The catalog has another text of the template web now. To deploy that: `/deploy checkout v1.4.2 to staging` or "
    "`/deploy checkout v1.4.2 to production`."
)
BLUE = a_service(variables={"colour": "blue"})


def test_values_that_fit_are_allowed():
    assert check_values(a_catalog(), a_release(), "staging", {}) == Allowed()


def test_where_the_catalogs_own_text_is_in_use_nothing_is_said_of_an_older_one():
    refused = check_values(a_catalog(services={"checkout": BLUE}), a_release(), "staging", {})

    assert isinstance(refused, Refused)
    assert [reason.text for reason in refused.reasons] == ["The template web declares no variable colour."]


def test_a_kept_text_that_needs_more_than_the_catalog_sets_sends_to_another_version():
    kept = a_release(template="older", required=frozenset({"version", "size"}), declared=frozenset({"version", "size"}))
    refused = check_values(a_catalog(), kept, "staging", {})

    assert isinstance(refused, Refused)
    assert refused.codes == ("missing-variable",)
    assert refused.reasons[0].text == (f"The template web needs a value for size. {NEWER}")


def test_only_what_the_catalogs_own_text_would_take_is_to_be_taken_out():
    newer = replace(a_template(), text=f"{JOBSPEC}# newer")
    refused = check_values(a_catalog(services={"checkout": BLUE}, templates={"web": newer}), a_release(), "staging", {})

    assert isinstance(refused, Refused)
    assert refused.reasons[0].text == f"The template web declares no variable colour. {NEWER}"


def test_another_template_is_no_newer_text():
    assert newer_template(a_catalog(), a_release(), "staging") == ""
    assert newer_template(a_catalog(), a_release(template="older"), "staging") == NEWER
    assert newer_template(a_catalog(), a_release(template_name="worker", template="older"), "staging") == ""
