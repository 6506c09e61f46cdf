"""Secrets of a job, and of what Nomad says about it, come out nowhere."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.e2e.driver import ALICE, CAROL, GENERAL, Sandbox, edit, straight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD, QUERY, ENV, TEMPLATE = "Sup3rHidden", "Qu3ryHidden", "env1ronment-hidden", "templ4te-hidden"
TOKEN = "hvs." + "CAESIJ0abcdef"
SECRETS = [PASSWORD, QUERY, ENV, TEMPLATE, TOKEN]
BROKEN = "v6.6.6"
ADDRESS = f"http://deployer:{PASSWORD}@127.0.0.1:9/x.zip?sig={QUERY}"
SAID = f'rejected "{ADDRESS}" with {ENV}, {TEMPLATE} and {TOKEN}'
"""What Nomad says in each of its texts."""

KEPT = {"plans.job", "plans.replaced", "releases.template", "catalogs.document"}
"""What Nomad is sent, byte for byte, and what it was made from: there a secret of a jobspec has to be."""


def with_secrets(catalog: Path) -> None:
    straight(catalog)
    blocks = f"""
      env {{
        DB_PASSWORD = "{ENV}"
"""
    more = f"""
      template {{
        data        = "API_KEY={TEMPLATE}\\n"
        destination = "local/app.env"
      }}

      dynamic "artifact" {{
        for_each = var.image_tag == "{BROKEN}" ? [1] : []
        content {{
          source = "{ADDRESS}"
        }}
      }}

      resources {{"""
    edit(catalog / "templates" / "web.nomad.hcl", r"\n      env \{\n", blocks)
    edit(catalog / "templates" / "web.nomad.hcl", r"\n      resources \{", more.replace("\\", "\\\\"))


@pytest.fixture(scope="module")
def hiding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose web template has secrets wherever a jobspec can have them."""
    with Sandbox(tmp_path_factory.mktemp("hiding"), change=with_secrets) as running:
        yield running.seeded()


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def stored(sandbox: Sandbox) -> Iterator[tuple[str, str]]:
    """Each column of each table with all that is in it, apart from those that must have the job itself."""
    with closing(sqlite3.connect(f"file:{sandbox.database}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            found = connection.execute(f"SELECT * FROM {table}")
            rows = found.fetchall()
            for at, (column, *_) in enumerate(found.description):
                if f"{table}.{column}" not in KEPT:
                    yield f"{table}.{column}", " ".join(str(row[at]) for row in rows)


def assert_hidden(sandbox: Sandbox, deploy: str) -> None:
    """Nothing that anybody can read about the deploy, or that is stored, has a secret in it."""
    for text in (f"plan {deploy}", f"status {deploy}", f"audit {deploy}", "history checkout", "digest preview"):
        sandbox.type(CAROL, text, GENERAL)
    said = json.dumps(sandbox.get("slack", "/sandbox/state"), ensure_ascii=False)
    assert deploy in said
    assert leaks(said) == []
    calls = sandbox.get("slack", "/sandbox/calls") + sandbox.get("slack", "/sandbox/requests")
    assert leaks(json.dumps(calls, ensure_ascii=False)) == []
    columns = dict(stored(sandbox))
    assert {name: found for name, text in columns.items() if (found := leaks(text))} == {}
    assert leaks("\n".join(map(str, sandbox.get("page", "/sandbox/bot")["log"]))) == []
    for words in (("history", "checkout"), ("audit", "list"), ("status",)):
        told = sandbox.command(*words, "--json")
        assert leaks(told.stdout + told.stderr) == []


def test_a_password_in_the_address_of_an_artifact_that_cannot_be_fetched(hiding: Sandbox):
    deploy = hiding.ask(ALICE, f"checkout {BROKEN} to staging")
    message = hiding.reach(deploy, "Failed")
    said = message.whole + message.thread
    # what failed and where is readable, as it was not a secret
    assert "Failed Artifact Download" in said
    assert "http://(hidden)@127.0.0.1:9/x.zip?(hidden)" in said
    assert "connection refused" in said
    assert_hidden(hiding, deploy)
    # the check can fail: where the job itself is, there is the password
    with closing(sqlite3.connect(f"file:{hiding.database}?mode=ro", uri=True)) as connection:
        assert any(leaks(job) for (job,) in connection.execute("SELECT job FROM plans"))


@pytest.mark.parametrize("status", [400, 500])
def test_a_register_that_nomad_refuses_in_words_with_secrets(hiding: Sandbox, status: int):
    answer = {"status": status, "text": f"1 error occurred:\n\t* invalid job: {SAID}"}
    hiding.post("nomad", "/sandbox/next-register", {"apply": False, "answer": answer, "times": 1})
    deploy = hiding.ask(ALICE, f"checkout v7.0.{status} to staging")

    def told() -> bool:
        found = hiding.message(deploy)
        return bool(found) and "http://(hidden)@127.0.0.1:9/x.zip?(hidden)" in json.dumps(dict(stored(hiding)))

    hiding.until(told, "Nomad's refusal")
    assert_hidden(hiding, deploy)
