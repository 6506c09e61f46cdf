from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.domain.catalog.environment import Cluster
from bot.errors import NomadForbidden, NomadUnavailable, SettingsInvalid
from bot.settings import read
from bot.wiring.compose import open_ports
from bot.wiring.database import check_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def test_a_missing_token_only_affects_its_cluster(migrated_sqlite: Callable[[Path], str], tmp_path: Path) -> None:
    settings = read({"NOMATRON_DATABASE_URL": migrated_sqlite(tmp_path / "nomatron.db")})
    poor = Cluster(name="eu", address="http://127.0.0.1:1", token_env="NOMAD_TOKEN_THAT_IS_NOT_SET")

    async with open_ports(settings) as parts:
        nomad = parts.ports.nomads.of(poor)
        with pytest.raises(NomadForbidden, match="cluster eu was not called: NOMAD_TOKEN_THAT_IS_NOT_SET is not set"):
            await nomad.reach()
        with pytest.raises(NomadUnavailable):
            await parts.ports.nomads.of(Cluster(name="us", address="http://127.0.0.1:1")).reach()


async def test_a_database_without_tables_names_the_command(tmp_path: Path) -> None:
    settings = read({"NOMATRON_DATABASE_URL": f"sqlite:///{tmp_path / 'nomatron.db'}"})

    with pytest.raises(SettingsInvalid, match=r"has no tables yet\. Run `nomatron migrate` first"):
        await check_schema(settings)

    assert not (tmp_path / "nomatron.db").exists()
