"""`python -m bot.sandbox.nomad`: the simulated Nomad alone."""

from __future__ import annotations

import sys

from bot.sandbox.nomad.server import main

sys.exit(main())
