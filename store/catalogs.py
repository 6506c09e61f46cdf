"""Catalogs: every catalog that was ever active, and which one is active now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.errors import CatalogMissing
from bot.ports.store import ActiveCatalog
from store.catalog_cache import text_of
from store.locks import Locking
from store.sql.session import Session
from store.tables import catalogs

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.catalog.catalog import Catalog


NEWEST = select(catalogs.c.fingerprint).order_by(catalogs.c.id.desc()).limit(1)


class CatalogReading(Session):
    """Reads of catalogs."""

    async def active_catalog(self) -> ActiveCatalog:
        """The catalog in force; ``CatalogMissing`` if none was ever applied."""
        return await self._in_force(await self._active_fingerprint())

    async def _in_force(self, fingerprint: str) -> ActiveCatalog:
        catalog = await self.catalog(fingerprint) if fingerprint else None
        if catalog is None:
            raise CatalogMissing("No catalog has been applied yet: run `nomatron apply`.")
        return ActiveCatalog(fingerprint, catalog)

    async def _active_fingerprint(self) -> str:
        return self._held_catalog or (await self._run(NEWEST)).scalar() or ""

    async def catalog(self, fingerprint: str) -> Catalog | None:
        """The catalog with that fingerprint, if it was ever active; otherwise None."""
        known = self._parsed.get(fingerprint)
        if known is not None:
            return known
        stored = select(catalogs.c.document).where(catalogs.c.fingerprint == fingerprint).limit(1)
        text = (await self._run(stored)).scalar()
        return None if text is None else self._parsed.read(fingerprint, text)


class CatalogWriting(CatalogReading, Locking):
    """Putting a catalog in force, and keeping one."""

    async def lock_catalog(self, *, exclusive: bool = False) -> str:
        """Hold the catalog in force until the transaction ends; its fingerprint, empty if none was ever applied."""
        await self._lock_active_catalog(exclusive=exclusive)
        self._held_catalog = await self._active_fingerprint()
        return self._held_catalog

    async def apply_catalog(self, catalog: Catalog, at: datetime) -> ActiveCatalog:
        """Store a catalog under its fingerprint and make it the active one."""
        text, fingerprint = text_of(catalog), catalog.fingerprint
        await self._run(catalogs.insert().values(fingerprint=fingerprint, document=text, applied_at=at))
        self._held_catalog = fingerprint
        return ActiveCatalog(fingerprint, catalog)
