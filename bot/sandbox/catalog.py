"""The sandbox's catalog: the example one, pointed at the simulators, for a person to edit."""

from __future__ import annotations

import shutil
from pathlib import Path

from ruamel.yaml import YAML

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "catalog"


class NoCatalogError(Exception):
    """The example catalog is not where a clone has it, or lacks what the sandbox sets in it."""


def prepare(folder: Path, nomad: str, source: Path = EXAMPLE) -> list[str]:
    """Puts a catalog into `folder` whose clusters are all at `nomad`.

    A catalog that is there already is kept as it is but for the addresses, which are new at each start: what a person
    has edited stays. Comments and order survive.

    Returns:
        the environment variables in which the bot expects Nomad tokens (`token_env` of the clusters).
    """
    if not (folder / "nomatron.yaml").exists():
        if not (source / "nomatron.yaml").exists():
            raise NoCatalogError(
                f"there is no example catalog at {source}: run the sandbox from a clone of the project"
            )
        shutil.copytree(source, folder, dirs_exist_ok=True)
    return _point_at(folder / "nomatron.yaml", nomad)


def _point_at(path: Path, nomad: str) -> list[str]:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    document = yaml.load(path.read_text(encoding="utf-8"))
    clusters = document.get("clusters") if isinstance(document, dict) else None
    if not clusters:
        raise NoCatalogError(f"{path} has no `clusters`: the sandbox puts the simulated Nomad's address there")
    for cluster in clusters.values():
        cluster["address"] = nomad
    with path.open("w", encoding="utf-8") as out:
        yaml.dump(document, out)
    return [cluster["token_env"] for cluster in clusters.values() if cluster.get("token_env")]
