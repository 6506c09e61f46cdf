"""`make contract`: the outside suite of what Nomad does, run against the simulated Nomad or the agent that is named.

The suite is no part of this repository; it is looked for at ../shared/nomad-contract, and left out where it is absent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SUITE = ROOT.parent / "shared" / "nomad-contract"
ADDRESS = "NOMATRON_TEST_NOMAD"


@contextmanager
def simulated() -> Iterator[str]:
    """A simulated Nomad whose clock runs at our pace; its address."""
    command = [sys.executable, "-m", "bot", "sandbox", "nomad", "--port", "0", "--speed", "1", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield json.loads(line)["nomad"]
        finally:
            process.terminate()


def run(address: str) -> int:
    """The suite's exit status; it prints its own numbers."""
    words = ["-p", "no:randomly", "-p", "no:cacheprovider", "-n", "4", "-q", *sys.argv[1:]]
    environment = {**os.environ, ADDRESS: address}
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=SUITE, env=environment, check=False)
    return done.returncode


def main() -> int:
    """Run the suite; 0 where it passes or is not here."""
    if not SUITE.is_dir():
        sys.stdout.write(f"make contract: {SUITE.relative_to(ROOT.parent)} is not here, nothing was run\n")
        return 0
    given = os.environ.get(ADDRESS)
    if given:
        return run(given)
    with simulated() as address:
        return run(address)


if __name__ == "__main__":
    sys.exit(main())
