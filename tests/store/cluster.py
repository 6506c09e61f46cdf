"""A throwaway PostgreSQL: made, started and dropped with the tests that need it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "unix_socket_directories": "",
}


def programs() -> Path | None:
    """The folder of PostgreSQL's server programs; None where they are not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists() and (folder / "initdb").exists()), None)


def server_user() -> str | None:
    """Who runs the server: PostgreSQL refuses root, so root needs Debian's ``postgres``; None where it is missing."""
    name = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return name if any(entry.pw_name == name for entry in pwd.getpwall()) else None


@contextmanager
def running_cluster(folder: Path, user: str) -> Iterator[str]:
    """A running cluster; its URL without a database's name."""
    home = Path(tempfile.mkdtemp(prefix="nomatron-postgres-"))
    data = home / "data"
    shutil.chown(home, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = " ".join(f"-c {name}='{value}'" for name, value in {**SETTINGS, "port": str(port)}.items())
    try:
        _run(user, folder / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        _run(user, folder / "pg_ctl", "-D", data, "-l", home / "log", "-o", options, "-w", "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            _run(user, folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home)


def _run(user: str, *command: str | Path) -> None:
    other = user if os.geteuid() == 0 else None
    # its output goes to a file: a server that inherits a pipe would keep it open for ever
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(word) for word in command], cwd="/", stdout=output, stderr=output, check=False, user=other
        )
        output.seek(0)
        assert done.returncode == 0, output.read().decode(errors="replace")
