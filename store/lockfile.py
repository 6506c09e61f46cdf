"""Lets only one process serve a SQLite file: an operating system lock beside the file, freed if the process dies."""

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

    The lock is on a file of its own, named after the database without symlinks. The database itself is never opened
    here: closing any descriptor of it would drop the locks that SQLite holds in this process.

    Raises ``StoreBusy`` if another process serves the file, ``StoreUnavailable`` if the file system cannot lock.
    Short commands need no lock: SQLite's own lock is enough for them.
    """
    descriptor = _lock(database.resolve())
    try:
        yield
    finally:
        # do not remove the file: then two processes could lock two different files of the same name
        os.close(descriptor)


def _lock(database: Path) -> int:
    path = database.with_name(f"{database.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be opened: {error.strerror}. Create its folder, and let this user write to it."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _refusal(database, descriptor) from None
    except OSError as error:
        os.close(descriptor)
        raise StoreUnavailable(
            f"{path} cannot be locked ({error.strerror}). Put the SQLite file on a local disk, or use PostgreSQL."
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _refusal(database: Path, descriptor: int) -> StoreBusy:
    holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
    os.close(descriptor)
    return StoreBusy(
        f"Another nomatron process (pid {holder}) uses {database}, and a SQLite file allows only one. Stop that one, "
        "or use PostgreSQL to run several (NOMATRON_DATABASE_URL=postgresql+asyncpg://USER:PASSWORD@HOST/NAME)."
    )
