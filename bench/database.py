"""Creates a migrated SQLite file with a generated log, and keeps it for the next run if a folder is given."""

from __future__ import annotations

import asyncio
import sqlite3
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.dialects import sqlite

from bench.log import FIRST_DAY, Log, catalog
from bot.domain.deploy.message import Posted
from store import open_store
from store.migrate import migrate
from store.sql.mapping import columns_of
from store.tables import audit_events, deploys, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sqlalchemy import Table

    from bot.domain.audit.events import Event

_AT_ONCE: Final = 20_000
_DIALECT: Final = sqlite.dialect()


def database(folder: Path, events: int) -> Path:
    """The path of the database, created if it does not exist; each schema has its own file."""
    fresh = folder / "fresh.db"
    fresh.unlink(missing_ok=True)
    asyncio.run(migrate(f"sqlite:///{fresh}"))
    found = folder / f"audit-{events}-{_schema(fresh)}.db"
    if not found.exists():
        _fill(fresh, Log(events))
        asyncio.run(_apply(f"sqlite:///{fresh}"))
        fresh.rename(found)
    fresh.unlink(missing_ok=True)
    return found


def _schema(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        texts = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return sha256(repr(texts).encode()).hexdigest()[:12]


def _fill(path: Path, log: Log) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = off")
    connection.execute("PRAGMA cache_size = -1000000")
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''").fetchall()
    connection.execute("BEGIN")
    # create the indexes at the end: to add a million rows to a dozen indexes takes many times as long
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    _insert(connection, audit_events, map(_of_event, log.events()))
    posted = (Posted(deploy_id=number, channel="C0STAGING1", ts=f"1763726400.{number}") for number in log.deploys)
    _insert(connection, deploys, ({**columns_of(deploy), "fence": 0} for deploy in log.deploys.values()))
    _insert(connection, messages, map(columns_of, posted))
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def _apply(url: str) -> None:
    async with open_store(url) as store, store.begin() as tx:
        await tx.apply_catalog(catalog(), FIRST_DAY)


def _of_event(event: Event) -> dict[str, Any]:
    return {
        "body": event.body(),
        "at": event.at,
        "type": event.type,
        "deploy": event.deploy_id,
        "service": event.service,
        "environment": event.environment,
        "actor": event.actor,
    }


def _insert(connection: sqlite3.Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows as the store would write them, through the same column types."""
    rest = iter(rows)
    while chunk := list(islice(rest, _AT_ONCE)):
        names = list(chunk[0])
        columns = ", ".join(f'"{name}"' for name in names)
        statement = f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(names))})"
        bound = {name: _processor(table, name) for name in names}
        connection.executemany(statement, ([bound[name](row[name]) for name in names] for row in chunk))


def _processor(table: Table, name: str) -> Callable[[Any], Any]:
    kind = table.c[name].type
    return kind.dialect_impl(_DIALECT).bind_processor(_DIALECT) or _unchanged


def _unchanged(value: Any) -> Any:
    return value
