"""The sandbox's catalog: an editable copy of the example catalog that points at the sandbox's Nomad."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

# In a clone a symbolic link to examples/catalog; building a wheel follows it, so that an installed sandbox has a copy.
EXAMPLE = Path(__file__).with_name("example_catalog")


class NoCatalogError(Exception):
    """The catalog cannot be read or lacks what the sandbox sets in it, or the example catalog is missing."""


class JobRef(NamedTuple):
    """The namespace and id of a job that the catalog can deploy."""

    namespace: str
    job: str


def prepare(folder: Path, nomad: str, source: Path = EXAMPLE, driver: str | None = None) -> list[str]:
    """Makes sure that `folder` has a catalog, and sets the address of each of its clusters to `nomad`.

    If the folder has a catalog already, a person's edits stay: only the addresses change, because they are new at each
    start. Comments and order survive. If a `driver` is given, each template with a variable `driver` gets that value.

    Returns:
        the environment variables in which the bot expects Nomad tokens (`token_env` of the clusters).

    Raises:
        NoCatalogError: there is no example catalog to copy, or the catalog has no `clusters`.
    """
    if not (folder / "nomatron.yaml").exists():
        if not (source / "nomatron.yaml").exists():
            raise NoCatalogError(f"there is no example catalog at {source}: install Nomatron again, or clone it again")
        shutil.copytree(source, folder, dirs_exist_ok=True)
    return _point_at(folder / "nomatron.yaml", nomad, driver)


def jobs(folder: Path) -> set[JobRef]:
    """Every job that the catalog in `folder` can deploy. Raises NoCatalogError if the catalog cannot be read."""
    yaml = YAML(typ="safe")
    try:
        main = yaml.load((folder / "nomatron.yaml").read_text(encoding="utf-8"))
        files = [main, *(yaml.load(path.read_text(encoding="utf-8")) for path in folder.glob("services/*.yaml"))]
        namespaces = {each["name"]: each.get("namespace", "default") for each in main["environments"]}
        services = [service for file in files for service in file.get("services") or []]
        return {
            JobRef(namespaces[name], str(service.get("job") or service["name"]).replace("{environment}", name))
            for service in services
            for name in service["environments"]
        }
    except (OSError, YAMLError, KeyError, TypeError, AttributeError) as problem:
        raise NoCatalogError(f"the catalog in {folder} cannot be read: {problem!r}") from problem


def promotes(folder: Path, environment: str) -> bool:
    """Whether `environment` comes `after` another one in the catalog in `folder`.

    Raises NoCatalogError if the catalog cannot be read.
    """
    try:
        main = YAML(typ="safe").load((folder / "nomatron.yaml").read_text(encoding="utf-8"))
        return any(each.get("after") for each in main["environments"] if each["name"] == environment)
    except (OSError, YAMLError, KeyError, TypeError, AttributeError) as problem:
        raise NoCatalogError(f"the catalog in {folder} cannot be read: {problem!r}") from problem


def _point_at(path: Path, nomad: str, driver: str | None) -> list[str]:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    document: Any = yaml.load(path.read_text(encoding="utf-8"))
    clusters = document.get("clusters") if isinstance(document, dict) else None
    if not clusters:
        raise NoCatalogError(f"{path} has no `clusters`. Add one: the sandbox writes its Nomad's address there.")
    for cluster in clusters.values():
        cluster["address"] = nomad
    for template in (document.get("templates") or {}).values():
        if driver and "driver" in (template.get("variables") or {}):
            template["variables"]["driver"] = driver
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    return [cluster["token_env"] for cluster in clusters.values() if cluster.get("token_env")]
