"""`python -m sandbox.nomad`: the simulated Nomad alone."""

from __future__ import annotations

import sys

from sandbox.nomad.server import main

sys.exit(main())
