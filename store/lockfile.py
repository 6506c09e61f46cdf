"""One process for a SQLite file: an operating system's lock beside it, which a kill frees."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.errors import StoreBusy, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Be the only server on this SQLite file while the block runs.

    ``StoreBusy`` where another process is, ``StoreUnavailable`` where the file system cannot lock. Short commands
    beside a server need no lock: SQLite's own keeps them apart.
    """
    descriptor = _locked(database.absolute())
    try:
        yield
    finally:
        # the file stays: removing it would let two processes lock two files of one name
        os.close(descriptor)


def _locked(database: Path) -> int:
    path = database.with_name(f"{database.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be opened: {error.strerror}; the folder must exist and be ours"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _refusal(database, descriptor) from None
    except OSError as error:
        os.close(descriptor)
        raise StoreUnavailable(
            f"{path} cannot be locked ({error.strerror}): keep the SQLite file on a local disk, or use PostgreSQL"
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _refusal(database: Path, descriptor: int) -> StoreBusy:
    holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
    os.close(descriptor)
    return StoreBusy(
        f"Another nomatron process (pid {holder}) serves {database}, and SQLite has room for one: stop that one, "
        "or run several on PostgreSQL (NOMATRON_DATABASE_URL=postgresql+asyncpg://USER:PASSWORD@HOST/NAME)"
    )
