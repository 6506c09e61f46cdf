"""Which nodes constraints let in."""

from __future__ import annotations

import pytest

from sandbox.nomad.scheduler.constraints import label, refusing
from sandbox.nomad.scheduler.nodes import node


@pytest.mark.parametrize(
    ("left", "operand", "right", "meets"),
    [
        ("${attr.kernel.name}", "=", "linux", True),
        ("${attr.kernel.name}", "=", "windows", False),
        ("${attr.kernel.name}", "!=", "windows", True),
        ("${meta.colour}", "=", "pink", False),
        ("${meta.colour}", "!=", "pink", True),
        ("${meta.colour}", "is_set", "", False),
        ("${meta.colour}", "is_not_set", "", True),
        ("${node.datacenter}", "regexp", "^dc[0-9]$", True),
        ("${attr.driver.docker.version}", "version", ">= 20, < 28", True),
        ("${attr.driver.docker.version}", "version", "> 27.3.1", False),
        ("${attr.driver.docker.version}", "semver", "~> 27.1", True),
        ("${attr.driver.docker.version}", "semver", "~> 28.0", False),
        ("${attr.vault.version}", "semver", ">= 0.6.1", True),
        ("a,b,c", "set_contains", "a, c", True),
        ("a,b,c", "set_contains", "d", False),
        ("a,b,c", "set_contains_any", "c,d", True),
        ("", "distinct_hosts", "true", True),
    ],
)
def test_a_node_meets_a_constraint_or_not(left: str, operand: str, right: str, meets: bool):  # noqa: FBT001 - a table
    constraint = {"LTarget": left, "Operand": operand, "RTarget": right}
    assert (refusing(node(1), [constraint]) is None) is meets


def test_the_refusing_constraint_is_named():
    constraints = [
        {"LTarget": "${attr.kernel.name}", "Operand": "=", "RTarget": "linux"},
        {"LTarget": "${meta.colour}", "Operand": "=", "RTarget": "pink"},
    ]
    refused = refusing(node(1), constraints)
    assert refused is not None
    assert label(refused) == "${meta.colour} = pink"
