"""Checks a real set-up and reports what is wrong with it, each finding with its fix. Changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from bot.domain.diagnosis import host as diagnosis_host
from bot.errors import CatalogMissing
from bot.operations.doctor.check import FailedCheck, attempt
from bot.operations.doctor.nomad import ClusterChecks, examine_cluster
from bot.operations.doctor.slack import examine_slack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.diagnosis.finding import Finding
    from bot.ports import Clock
    from bot.ports.doctor import ExaminedDatabase, ExaminedNomads, ExaminedSlack
    from bot.ports.store import ActiveCatalog, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogFolder:
    """The catalog folder: its path, how many errors it has, and its catalog (None if there are errors)."""

    path: str
    errors: int
    catalog: Catalog | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that doctor checks; None for a part that the settings are too broken to open.

    ``host`` are the findings about settings and files; a single check may take ``seconds``.
    """

    host: tuple[Finding, ...]
    folder: CatalogFolder
    clock: Clock
    store: Store | None
    database: ExaminedDatabase | None
    slack: ExaminedSlack | None
    nomads: ExaminedNomads
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """The database's findings, the active catalog, and the last successful versions by service and environment."""

    findings: tuple[Finding, ...] = ()
    active: ActiveCatalog | None = None
    versions: Mapping[tuple[str, str], str] = field(default_factory=dict)


async def doctor(setup: Setup) -> tuple[Finding, ...]:
    """All findings, the good ones too: host, database, Slack, then each cluster.

    The checks use the catalog in the folder, because it decides after the next ``apply``; if it has errors, they use
    the active catalog.
    """
    database = await _database(setup)
    catalog = setup.folder.catalog or (database.active.catalog if database.active else None)
    examinations = [examine_slack(setup.slack, catalog, setup.clock, setup.seconds)] if setup.slack else []
    if catalog is not None:
        checks = ClusterChecks(
            catalog=catalog,
            versions=database.versions,
            nomads=setup.nomads,
            clock=setup.clock,
            seconds=setup.seconds,
        )
        examinations += [examine_cluster(cluster, checks) for cluster in catalog.clusters.values()]
    found = await asyncio.gather(*examinations)
    return (*setup.host, *database.findings, *chain.from_iterable(found))


async def _database(setup: Setup) -> DatabaseState:
    if setup.database is None or setup.store is None:
        return DatabaseState()
    disk = diagnosis_host.disk(setup.database.disk())
    found = await attempt("database", setup.seconds, setup.database.revision())
    if isinstance(found, FailedCheck):
        return DatabaseState(findings=(found.finding, *disk))
    findings = (diagnosis_host.revision(found, setup.database.newest), *disk)
    if found != setup.database.newest:
        return DatabaseState(findings=(*findings, *_catalog(setup.folder, None)))
    read = await attempt("database", setup.seconds, _read(setup.store, setup.folder.catalog))
    if isinstance(read, FailedCheck):
        return DatabaseState(findings=(*findings, read.finding))
    active, versions = read
    return DatabaseState(findings=(*findings, *_catalog(setup.folder, active)), active=active, versions=versions)


async def _read(store: Store, folder: Catalog | None) -> tuple[ActiveCatalog | None, dict[tuple[str, str], str]]:
    """The active catalog and the last successful versions, read at one moment."""
    async with store.read() as reading:
        try:
            active = await reading.active_catalog()
        except CatalogMissing:
            return None, {}
        versions = {}
        for service in (folder or active.catalog).services.values():
            for environment in service.placements:
                deploy = await reading.last_succeeded(service.name, environment)
                if deploy is not None:
                    versions[service.name, environment] = deploy.version
    return active, versions


def _catalog(folder: CatalogFolder, active: ActiveCatalog | None) -> tuple[Finding, ...]:
    read = folder.catalog.fingerprint if folder.catalog else None
    state = diagnosis_host.CatalogState(
        folder=folder.path, errors=folder.errors, read=read, active=active.fingerprint if active else None
    )
    return (diagnosis_host.catalog(state),)
