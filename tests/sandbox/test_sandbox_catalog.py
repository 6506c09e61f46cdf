from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sandbox import catalog

SOURCE = """\
# ours
timezone: Europe/Amsterdam
clusters:
  sandbox: {address: "http://127.0.0.1:4646", token_env: NOMAD_TOKEN_SANDBOX}  # the one
  far:
    address: https://nomad.example:4646
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "example"
    (folder / "services").mkdir(parents=True)
    (folder / "nomatron.yaml").write_text(SOURCE)
    (folder / "services" / "shop.yaml").write_text("- name: checkout\n")
    return folder


def test_every_cluster_is_the_simulated_one_and_comments_stay(example, tmp_path):
    tokens = catalog.prepare(tmp_path / "catalog", "http://127.0.0.1:5", example)
    text = (tmp_path / "catalog" / "nomatron.yaml").read_text()
    clusters = YAML(typ="safe").load(text)["clusters"]
    assert {cluster["address"] for cluster in clusters.values()} == {"http://127.0.0.1:5"}
    assert tokens == ["NOMAD_TOKEN_SANDBOX"]
    assert "# ours" in text
    assert "# the one" in text
    assert (tmp_path / "catalog" / "services" / "shop.yaml").exists()


def test_what_a_person_edited_stays_at_the_next_start(example, tmp_path):
    folder = tmp_path / "catalog"
    catalog.prepare(folder, "http://127.0.0.1:5", example)
    path = folder / "nomatron.yaml"
    path.write_text(path.read_text().replace("Amsterdam", "Berlin"))
    catalog.prepare(folder, "http://127.0.0.1:6", example)
    assert "Europe/Berlin" in path.read_text()
    assert "127.0.0.1:6" in path.read_text()
    assert "127.0.0.1:5" not in path.read_text()


def test_without_an_example_it_says_what_to_do(tmp_path):
    with pytest.raises(catalog.NoCatalogError, match="install Nomatron again"):
        catalog.prepare(tmp_path / "catalog", "http://127.0.0.1:5", tmp_path / "nowhere")


def test_a_catalog_without_clusters_is_refused(tmp_path):
    (tmp_path / "nomatron.yaml").write_text("timezone: UTC\n")
    with pytest.raises(catalog.NoCatalogError, match="no `clusters`"):
        catalog.prepare(tmp_path, "http://127.0.0.1:5")


def test_the_projects_own_example_is_taken(tmp_path):
    tokens = catalog.prepare(tmp_path / "catalog", "http://127.0.0.1:5")
    document = YAML(typ="safe").load((tmp_path / "catalog" / "nomatron.yaml").read_text())
    assert tokens == ["NOMAD_TOKEN_SANDBOX"]
    assert [environment["channel"] for environment in document["environments"]] == ["C0STAGING1", "C0PROD0001"]


def test_a_driver_goes_where_a_template_leaves_the_choice(tmp_path):
    folder = tmp_path / "catalog"
    catalog.prepare(folder, "http://127.0.0.1:5", driver="raw_exec")
    templates = YAML(typ="safe").load((folder / "nomatron.yaml").read_text())["templates"]
    assert {template["variables"]["driver"] for template in templates.values()} == {"raw_exec"}
    assert templates["web"]["variables"]["memory"] == 256


def test_a_template_that_has_no_such_choice_is_left_alone(example, tmp_path):
    path = example / "nomatron.yaml"
    path.write_text(
        f"{SOURCE}templates:\n  web: {{file: web.nomad.hcl}}\n  job: {{file: j, variables: {{count: 1}}}}\n"
    )
    catalog.prepare(tmp_path / "catalog", "http://127.0.0.1:5", example, driver="raw_exec")
    assert "raw_exec" not in (tmp_path / "catalog" / "nomatron.yaml").read_text()


def test_the_jobs_of_the_example(tmp_path):
    catalog.prepare(tmp_path, "http://127.0.0.1:5")
    services = ("checkout", "mailer", "report")
    assert catalog.jobs(tmp_path) == {(space, service) for space in ("staging", "apps") for service in services}


def test_a_job_may_be_called_otherwise_and_by_its_environment(tmp_path):
    (tmp_path / "nomatron.yaml").write_text(
        "environments: [{name: staging}, {name: live, namespace: apps}]\n"
        "services: [{name: shop, job: 'shop-{environment}', environments: {staging: null, live: {}}}]\n"
    )
    assert catalog.jobs(tmp_path) == {("default", "shop-staging"), ("apps", "shop-live")}


@pytest.mark.parametrize("text", ["", "environments: [", "environments: []\nservices: [{name: shop}]\n", "- a\n"])
def test_jobs_of_a_catalog_that_cannot_be_read(tmp_path, text):
    (tmp_path / "nomatron.yaml").write_text(text)
    with pytest.raises(catalog.NoCatalogError, match="cannot be read"):
        catalog.jobs(tmp_path)


def test_in_the_example_production_comes_after_staging(tmp_path):
    catalog.prepare(tmp_path, "http://127.0.0.1:5")
    assert catalog.promotes(tmp_path, "production")
    assert not catalog.promotes(tmp_path, "staging")


@pytest.mark.parametrize("text", ["", "environments: [", "- a\n"])
def test_what_comes_before_cannot_be_read_from_a_broken_catalog(tmp_path, text):
    (tmp_path / "nomatron.yaml").write_text(text)
    with pytest.raises(catalog.NoCatalogError, match="cannot be read"):
        catalog.promotes(tmp_path, "production")
