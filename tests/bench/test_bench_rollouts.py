"""The bench of rollouts runs, with too few of them to say anything about their cost."""

from __future__ import annotations

import json

from bench.rollouts import main


def test_it_measures_what_quiet_rollouts_cost(capsys):
    main(["--rollouts", "3", "--seconds", "0.1", "--changes", "2", "--settle", "0", "--json"])
    lines = {line["name"]: line["value"] for line in json.loads(capsys.readouterr().out)}
    assert len(lines) == 9
    assert lines["calls to Nomad for each"] >= 6
    assert lines["the one that was seen last, after"] > 0
