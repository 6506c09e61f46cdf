"""The bench of lanes runs, with too few deploys to say anything about speed."""

from __future__ import annotations

import json

from bench.lanes import main


def test_it_measures_what_others_trouble_costs(capsys):
    main(["--old", "3", "--open", "3", "--rollouts", "2", "--json"])
    lines = json.loads(capsys.readouterr().out)
    assert len(lines) == len({line["name"] for line in lines}) == 9
    assert all(line["value"] > 0 for line in lines if line["unit"] == "s")
