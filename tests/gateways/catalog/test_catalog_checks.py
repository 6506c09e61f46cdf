"""The rules that a schema cannot state."""

from __future__ import annotations

import pytest

MAIN = "nomatron.yaml"
CHECKOUT = "services/checkout.yaml"
WEB = "templates/web.nomad.hcl"

MAILER = """\
services:
  - name: {name}
    template: web
    owners: owners
    job: "{job}"
    version_variable: image_tag
    environments: {{staging: {{}}}}
"""

SET_TWICE = (
    "`image_tag` is set twice: it is the `version_variable`, so each request sets it to the version; "
    "remove it here, or name another `version_variable`"
)

# (file, what stands there, what is put there, the issue on each line that ends in `# here`)
ERRORS = [
    # references
    (
        MAIN,
        "- {group: developers, may: [request, promote]}",
        "- group: develpers  # here\n    may: [request, promote]",
        "unknown group `develpers`; did you mean `developers`?",
    ),
    (
        MAIN,
        "[{from: sre, count: 1}, {from: service.owners}]",
        "\n      - from: srx  # here\n      - {from: owners}",
        "unknown group `srx`; did you mean `sre`?",
    ),
    (CHECKOUT, "owners: owners", "owners: owner  # here", "unknown group `owner`; did you mean `owners`?"),
    (CHECKOUT, "template: web", "template: wep  # here", "unknown template `wep`; did you mean `web`?"),
    (
        CHECKOUT,
        "production: {",
        "production:\n       {template: batch,  # here\n        ",
        "unknown template `batch`; known: `web`",
    ),
    (
        MAIN,
        "cluster: eu\n    namespace: apps",
        "cluster: us  # here\n    namespace: apps",
        "unknown cluster `us`; known: `eu`",
    ),
    (
        CHECKOUT,
        "staging: {variables: {count: 1}}",
        "stagin: {variables: {count: 1}}  # here",
        "unknown environment `stagin`; did you mean `staging`?",
    ),
    (
        MAIN,
        "may: [request, promote]}",
        "may: [request, promote],\n     environments: [qa]}",
        "unknown environment `qa`; known: `production`, `staging`",
    ),
    (
        MAIN,
        "may: [request, promote]}",
        "may: [request, promote],\n     services: [chekout]}",
        "unknown service `chekout`; did you mean `checkout`?",
    ),
    # variables
    (
        MAIN,
        "variables: {memory: 256}",
        "variables: {memroy: 256}",
        "template `web` does not declare a variable `memroy`; did you mean `memory`?",
    ),
    (
        CHECKOUT,
        "variables: {port: 8080}",
        "variables: {prot: 8080}  # here",
        "template `web` does not declare a variable `prot`; did you mean `port`?",
    ),
    (
        CHECKOUT,
        "staging: {variables: {count: 1}}",
        "staging: {variables: {cuont: 1}}  # here",
        "template `web` does not declare a variable `cuont`; did you mean `count`?",
    ),
    (
        CHECKOUT,
        "settable: [count]",
        "settable: [counts]  # here",
        "template `web` does not declare a variable `counts`; did you mean `count`?",
    ),
    (
        CHECKOUT,
        "version_variable: image_tag",
        "version_variable: tag  # here",
        "template `web` does not declare a variable `tag`; known: `count`, `image_tag`, `log_level`, `memory`, `port`",
    ),
    *(
        (
            file,
            old,
            new,
            SET_TWICE,
        )
        for file, old, new in (
            (MAIN, "variables: {memory: 256}", "variables: {image_tag: v1}"),
            (MAIN, "variables: {log_level: warn}", "variables: {image_tag: v1}  # here"),
            (CHECKOUT, "variables: {port: 8080}", "variables: {image_tag: v1}  # here"),
            (CHECKOUT, "staging: {variables: {count: 1}}", "staging: {variables: {image_tag: v1}}  # here"),
            (CHECKOUT, "settable: [count]", "settable: [count, image_tag]  # here"),
        )
    ),
    (
        CHECKOUT,
        "variables: {port: 8080}",
        "variables:\n      port: 80\n      port: 81  # here",
        "`port` is set twice (first on line 8); remove one of them",
    ),
    # templates
    (
        MAIN,
        "file: templates/web.nomad.hcl",
        "file: templates/wep.nomad.hcl",
        "template `web`: the file templates/wep.nomad.hcl does not exist; did you mean `templates/web.nomad.hcl`?",
    ),
    (
        WEB,
        'job "web" {',
        'job "web" {}\njob "other" {',
        'template `web`: a jobspec needs exactly one `job "..." { }` block; write one',
    ),
    (
        WEB,
        'variable "port"',
        'variable "memory" {} # here\nvariable "port"',
        "template `web`: variable `memory` is declared twice; keep one",
    ),
    # names
    (
        CHECKOUT,
        "name: checkout",
        "name: rollback  # here",
        "a service cannot be named `rollback`: `/deploy rollback` is a command; rename the service",
    ),
    (
        CHECKOUT,
        "name: checkout",
        "name: d-1042  # here",
        "a service cannot be named `d-1042`: it looks like a deploy number; rename the service",
    ),
    (
        CHECKOUT,
        "name: checkout",
        "name: everything  # here",
        "a service cannot be named `everything`: `/deploy lock everything` closes all; rename it",
    ),
    (
        CHECKOUT,
        "name: checkout",
        "name: staging  # here",
        "`staging` is both a service and an environment, so `/deploy lock staging` is ambiguous; rename one",
    ),
    (
        MAIN,
        "  sre: {",
        "  service.owners: {users: [U0SAM00001]}  # here\n  sre: {",
        "a group cannot be named `service.owners`: in rules that means the owners of each service; rename the group",
    ),
    # approvals
    (
        CHECKOUT,
        "    owners: owners\n",
        "",
        "production needs approvals from service.owners, but checkout has no owners; add `owners` to checkout",
    ),
    (
        MAIN,
        "    reason: required\n",
        "    reason: required\n    rollback_approvals: [{from: srx}]  # here\n",
        "unknown group `srx`; did you mean `sre`?",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), ERRORS)
def test_an_error_names_the_line_of_the_mistake(folder, file, old, new, expected):
    folder.change(old, new, file=file)
    reading, found = folder.read(), folder.errors()

    assert any(each.endswith(f": {expected}") for each in found), found
    assert reading.catalog is None
    for place in folder.here():
        assert f"{place}: {expected}" in found


def test_one_mistake_is_one_error(folder):
    folder.change("cluster: eu\n    namespace: apps", "cluster: us\n    namespace: apps")

    assert len(folder.errors()) == 1


def test_an_environments_name_is_used_once(folder):
    again = "  - {name: staging, cluster: eu, channel: C0STAGING1, approvals: []}\n"
    folder.change("  - name: production", f"{again}  - name: production")
    place, first = "nomatron.yaml:20", "nomatron.yaml:14"

    assert (
        f"{place}: there are two environments named `staging` (the first in {first}); rename or remove one"
        in folder.errors()
    )


def test_a_services_name_is_used_once_over_all_files(folder):
    folder.write("services/other.yaml", MAILER.format(name="checkout", job="other"))
    first = "services/checkout.yaml:2"

    assert folder.errors() == [
        f"services/other.yaml:2: there are two services named `checkout` (the first in {first}); rename or remove one"
    ]


def test_names_in_mappings_are_used_once(folder):
    folder.change(
        "  sre: {usergroup: S0SRE00001}", "  developers: {usergroup: S0SRE00001}\n  sre: {usergroup: S0SRE00001}"
    )

    assert folder.errors() == ["nomatron.yaml:5: `developers` is set twice (first on line 4); remove one of them"]


class TestSharedJobs:
    def second_cluster(self, folder, cluster):
        """Moves staging to another cluster, into the namespace that production has on the first."""
        folder.change("    cluster: eu\n    namespace: staging", "    cluster: second\n    namespace: apps")
        folder.change("environments:\n", f"  second: {cluster}\nenvironments:\n")

    def test_two_services_cannot_be_one_job(self, folder):
        folder.write("services/mailer.yaml", MAILER.format(name="mailer", job="checkout"))
        (issue,) = folder.errors()

        assert issue == (
            "services/mailer.yaml:7: mailer in staging and checkout in staging would overwrite each other: both are "
            "job "
            "`checkout` in namespace `staging` of the same cluster; give one of them another `job`, such as "
            "mailer-{environment}"
        )

    def test_two_environments_in_one_namespace_need_the_environment_in_the_job(self, folder):
        folder.change("namespace: apps", "namespace: staging")
        assert "would overwrite each other" in folder.errors()[0]

        folder.change("    version_variable", '    job: "checkout-{environment}"\n    version_variable', file=CHECKOUT)
        assert folder.errors() == []

    def test_two_names_of_one_cluster_are_one_cluster(self, folder):
        self.second_cluster(folder, '{address: "https://NOMAD.example:4646/"}')

        assert "would overwrite each other" in folder.errors()[0]

    def test_two_regions_are_two_places(self, folder):
        self.second_cluster(folder, '{address: "https://nomad.example:4646", region: us}')

        assert folder.errors() == []


class TestOrder:
    def cycle(self, folder, staging, production):
        folder.change("    approvals: []\n", f"    approvals: []\n    after: {staging}\n")
        folder.change("    reason: required\n", f"    reason: required\n    after: {production}\n")
        return [each for each in folder.errors() if "cycle" in each]

    def test_environments_do_not_wait_for_each_other(self, folder):
        assert self.cycle(folder, "[production]", "[{environment: staging}]") == [
            "nomatron.yaml:20: a cycle in `after`: staging after production after staging; remove one of these"
        ]

    def test_nor_for_themselves(self, folder):
        assert self.cycle(folder, "[staging]", "[staging]") == [
            "nomatron.yaml:20: a cycle in `after`: staging after staging; remove one of these"
        ]

    def test_every_cycle_is_reported(self, folder):
        assert len(self.cycle(folder, "[staging, production]", "[production, staging]")) == 3

    def test_a_line_is_no_cycle(self, folder):
        assert self.cycle(folder, "[]", "[staging]") == []

    def test_an_unknown_environment_is_reported_as_unknown(self, folder):
        folder.change("    reason: required\n", "    reason: required\n    after: [stagin]\n")

        assert "nomatron.yaml:28: unknown environment `stagin`; did you mean `staging`?" in folder.errors()

    def test_nothing_is_promoted_automatically_to_what_comes_after_nothing(self, folder):
        folder.change("    reason: required\n", "    reason: required\n    auto: true\n")

        assert folder.errors() == [
            "nomatron.yaml:28: `auto` needs `after`: nothing is promoted to production; add `after`, or remove `auto`"
        ]

    @pytest.mark.parametrize("more", ["auto: false", "auto: true\n    after: [staging]"])
    def test_without_auto_or_with_after_that_is_right(self, folder, more):
        folder.change("    reason: required\n", f"    reason: required\n    {more}\n")

        assert [each for each in folder.errors() if "`auto`" in each] == []


class TestOfTheSameRelease:
    """What comes after an environment can come through it."""

    NEVER = "checkout can never be deployed to production, which comes after staging"
    AFTER = "    reason: required\n    after: [staging]\n"

    def test_a_service_has_to_be_deployed_to_the_environment_before(self, folder):
        folder.change("    reason: required\n", self.AFTER)
        folder.change("      staging: {variables: {count: 1}}\n", "", file=CHECKOUT)

        assert folder.errors() == [
            (
                f"services/checkout.yaml:11: {self.NEVER}: checkout is not deployed to staging; add staging to its "
                f"environments"
            )
        ]

    def test_it_has_to_use_the_same_template_text(self, folder):
        self.templates(folder, 'variable "image_tag" {}\nvariable "port" {}\nvariable "count" {}\njob "a" {}\n')

        why = "uses template `other` in staging but `web` here; use the same template in both"
        (said,) = [each for each in folder.errors() if "never be deployed" in each]
        assert said == f"services/checkout.yaml:12: {self.NEVER}: checkout {why}"

    def test_another_name_for_the_same_text_is_the_same_release(self, folder):
        self.templates(folder, None)

        assert folder.errors() == []

    def test_an_unknown_environment_is_reported_only_as_unknown(self, folder):
        folder.change("      production: {", "      prod: {", file=CHECKOUT)
        folder.change("    reason: required\n", self.AFTER)

        assert not [each for each in folder.errors() if "never be deployed" in each]

    def templates(self, folder, text: str | None):
        """Give staging a template of its own, with this text (None: the file of the other template)."""
        file = "web" if text is None else "other"
        if text is not None:
            folder.write("templates/other.nomad.hcl", text)
        folder.change("    reason: required\n", self.AFTER)
        folder.change("templates:\n", f"templates:\n  other: {{file: templates/{file}.nomad.hcl}}\n")
        folder.change(
            "staging: {variables: {count: 1}}", "staging: {template: other, variables: {count: 1}}", file=CHECKOUT
        )


def test_a_placement_with_its_own_template_is_checked_against_that(folder):
    folder.write("templates/batch.nomad.hcl", 'variable "image_tag" {}\njob "batch" {}\n')
    folder.change("templates:\n", "templates:\n  batch: {file: templates/batch.nomad.hcl}\n")
    folder.change(
        "staging: {variables: {count: 1}}", "staging: {template: batch, variables: {count: 1}}", file=CHECKOUT
    )

    assert folder.errors() == [
        "services/checkout.yaml:7: template `batch` does not declare a variable `port`; known: `image_tag`",
        "services/checkout.yaml:8: template `batch` does not declare a variable `count`; known: `image_tag`",
        "services/checkout.yaml:11: template `batch` does not declare a variable `count`; known: `image_tag`",
    ]
