"""The sandbox's catalog: the example one, pointed at the sandbox's Nomad, for a person to edit."""

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


class Placed(NamedTuple):
    """A job of the catalog: where it goes, and its id there."""

    namespace: str
    job: str


def prepare(folder: Path, nomad: str, source: Path = EXAMPLE, driver: str | None = None) -> list[str]:
    """Puts a catalog into `folder` whose clusters are all at `nomad`.

    A catalog that is there already is kept as it is but for the addresses, which are new at each start: what a person
    has edited stays. Comments and order survive. Where a `driver` is given, each template that leaves the choice of
    one to a variable of that name gets it.

    Returns:
        the environment variables in which the bot expects Nomad tokens (`token_env` of the clusters).
    """
    if not (folder / "nomatron.yaml").exists():
        if not (source / "nomatron.yaml").exists():
            raise NoCatalogError(f"there is no example catalog at {source}: install Nomatron again, or clone it again")
        shutil.copytree(source, folder, dirs_exist_ok=True)
    return _point_at(folder / "nomatron.yaml", nomad, driver)


def jobs(folder: Path) -> set[Placed]:
    """Every job that the catalog in `folder` can place. Raises NoCatalogError where it cannot be read so far."""
    yaml = YAML(typ="safe")
    try:
        main = yaml.load((folder / "nomatron.yaml").read_text(encoding="utf-8"))
        files = [main, *(yaml.load(path.read_text(encoding="utf-8")) for path in folder.glob("services/*.yaml"))]
        namespaces = {each["name"]: each.get("namespace", "default") for each in main["environments"]}
        services = [service for file in files for service in file.get("services") or []]
        return {
            Placed(namespaces[name], str(service.get("job") or service["name"]).replace("{environment}", name))
            for service in services
            for name in service["environments"]
        }
    except (OSError, YAMLError, KeyError, TypeError, AttributeError) as problem:
        raise NoCatalogError(f"the catalog in {folder} cannot be read: {problem!r}") from problem


def promotes(folder: Path, environment: str) -> bool:
    """Whether the catalog in `folder` puts that environment `after` another. Raises NoCatalogError as `jobs` does."""
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
        raise NoCatalogError(f"{path} has no `clusters`: the sandbox puts its Nomad's address there")
    for cluster in clusters.values():
        cluster["address"] = nomad
    for template in (document.get("templates") or {}).values():
        if driver and "driver" in (template.get("variables") or {}):
            template["variables"]["driver"] = driver
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    return [cluster["token_env"] for cluster in clusters.values() if cluster.get("token_env")]
