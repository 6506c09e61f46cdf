"""Look at a real set-up and say what is wrong with it, and how it is mended. Nothing is changed by looking."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from bot.domain.diagnosis import host as diagnosis_host
from bot.errors import CatalogMissing
from bot.operations.doctor.check import Unseen, looked
from bot.operations.doctor.nomad import Round, examine_cluster
from bot.operations.doctor.slack import examine_slack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.catalog import Catalog
    from bot.domain.diagnosis.finding import Finding
    from bot.ports import Clock
    from bot.ports.doctor import ExaminedDatabase, ExaminedNomads, ExaminedSlack
    from bot.ports.store import ActiveCatalog, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRead:
    """The catalog folder as it was read: its path, the number of its errors, the catalog where there are none."""

    path: str
    errors: int
    catalog: Catalog | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """All that is looked at; None for what the settings do not even let be opened.

    ``host`` are findings about settings and files; ``seconds`` bound each single look.
    """

    host: tuple[Finding, ...]
    folder: FolderRead
    clock: Clock
    store: Store | None
    database: ExaminedDatabase | None
    slack: ExaminedSlack | None
    nomads: ExaminedNomads
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the database told: findings, the active catalog, and the version that succeeded last by where."""

    findings: tuple[Finding, ...] = ()
    active: ActiveCatalog | None = None
    versions: Mapping[tuple[str, str], str] = field(default_factory=dict)


async def doctor(patient: Patient) -> tuple[Finding, ...]:
    """Every finding, the good ones too: host, database, Slack, then each cluster.

    The folder's catalog is what is examined, since it is what will decide; the active one where that has errors.
    """
    kept = await _database(patient)
    catalog = patient.folder.catalog or (kept.active.catalog if kept.active else None)
    looks = [examine_slack(patient.slack, catalog, patient.clock, patient.seconds)] if patient.slack else []
    if catalog is not None:
        tour = Round(
            catalog=catalog,
            versions=kept.versions,
            nomads=patient.nomads,
            clock=patient.clock,
            seconds=patient.seconds,
        )
        looks += [examine_cluster(cluster, tour) for cluster in catalog.clusters.values()]
    found = await asyncio.gather(*looks)
    return (*patient.host, *kept.findings, *chain.from_iterable(found))


async def _database(patient: Patient) -> Kept:
    if patient.database is None or patient.store is None:
        return Kept()
    disk = diagnosis_host.disk(patient.database.disk())
    found = await looked("database", patient.seconds, patient.database.revision())
    if isinstance(found, Unseen):
        return Kept(findings=(found.finding, *disk))
    findings = (diagnosis_host.revision(found, patient.database.newest), *disk)
    if found != patient.database.newest:
        return Kept(findings=(*findings, *_catalog(patient.folder, None)))
    read = await looked("database", patient.seconds, _read(patient.store, patient.folder.catalog))
    if isinstance(read, Unseen):
        return Kept(findings=(*findings, read.finding))
    active, versions = read
    return Kept(findings=(*findings, *_catalog(patient.folder, active)), active=active, versions=versions)


async def _read(store: Store, folder: Catalog | None) -> tuple[ActiveCatalog | None, dict[tuple[str, str], str]]:
    """The active catalog, and the versions that succeeded last, in one consistent moment."""
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


def _catalog(folder: FolderRead, active: ActiveCatalog | None) -> tuple[Finding, ...]:
    read = folder.catalog.fingerprint if folder.catalog else None
    state = diagnosis_host.CatalogState(
        folder=folder.path, errors=folder.errors, read=read, active=active.fingerprint if active else None
    )
    return (diagnosis_host.catalog(state),)
