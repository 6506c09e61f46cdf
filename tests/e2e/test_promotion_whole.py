"""Promotion at its edges, over the wire: before its soak, and what happens in staging after the approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.driver import ALICE, NORA, STAGING, Sandbox, edit

if TYPE_CHECKING:
    from pathlib import Path


def soaks(how_long: str):
    """A catalog in which production asks for that soak."""

    def change(catalog: Path) -> None:
        edit(catalog / "nomatron.yaml", r"soak: 10s", f"soak: {how_long}")

    return change


def test_before_its_soak_a_promotion_is_refused_with_when_it_could_pass(tmp_path: Path):
    with Sandbox(tmp_path, "--no-seed", change=soaks("1h")) as sandbox:
        deploy = sandbox.ask(ALICE, "checkout v1.4.2 to staging")
        message = sandbox.reach(deploy, "Succeeded")

        told = sandbox.type(ALICE, f"promote {deploy} because SHOP-981")

        assert "v1.4.2 has to run in staging for 1h first. Possible from" in told
        assert "deploy.promote" not in message.actions
        assert sandbox.message("D-2") is None


def test_a_failure_in_staging_after_the_approvals_holds_the_deploy_and_says_so(tmp_path: Path):
    with Sandbox(tmp_path, "--no-seed", change=soaks("1s")) as sandbox:
        staging = sandbox.ask(ALICE, "mailer v2.0.0 to staging")
        sandbox.reach(staging, "Succeeded")
        sandbox.until(lambda: "deploy.promote" in sandbox.card(staging).actions, "the button Promote…")
        refused = sandbox.fill(NORA, sandbox.card(staging), "deploy.promote", reason="SHOP-984")
        assert "Not promoted" in str(refused["body"])
        sandbox.fill(ALICE, sandbox.card(staging), "deploy.promote", reason="SHOP-984")
        production = sandbox.reach("D-2", "Approval needed")

        mailer = {"namespace": "staging", "job": "mailer"}
        sandbox.post("nomad", "/sandbox/fail", {**mailer, "match": "v2.0.0", "fail": True})
        sandbox.post("nomad", "/sandbox/change", {**mailer, "env": {"LOG_LEVEL": "trace"}})
        failing = sandbox.ask(ALICE, "mailer v2.0.0 to staging")
        sandbox.reach(failing, "Failed")
        sandbox.approved("D-2")

        held = f"mailer v2.0.0 failed in staging after it had passed ({failing})."
        sandbox.until(lambda: held in sandbox.card("D-2").whole, "what holds it")
        message = sandbox.card("D-2")
        assert message.state == "Ready"
        assert message.channel == production.channel != STAGING
        assert sandbox.made_by("D-2") == []


def test_what_was_changed_in_staging_after_the_approvals_holds_the_deploy_until_it_runs_there_again(tmp_path: Path):
    with Sandbox(tmp_path, "--no-seed", change=soaks("1s")) as sandbox:
        staging = sandbox.ask(ALICE, "mailer v2.0.0 to staging")
        sandbox.reach(staging, "Succeeded")
        sandbox.until(lambda: "deploy.promote" in sandbox.card(staging).actions, "the button Promote…")
        sandbox.fill(ALICE, sandbox.card(staging), "deploy.promote", reason="SHOP-984")
        sandbox.reach("D-2", "Approval needed")
        mailer = {"namespace": "staging", "job": "mailer"}
        sandbox.post("nomad", "/sandbox/change", {**mailer, "env": {"LOG_LEVEL": "trace"}})
        sandbox.approved("D-2")

        held = "staging no longer runs v2.0.0. Job version 1 was registered outside Nomatron"
        sandbox.until(lambda: held in sandbox.card("D-2").whole, "what holds it")
        assert sandbox.card("D-2").state == "Ready"
        assert sandbox.made_by("D-2") == []

        sandbox.reach(sandbox.ask(ALICE, "mailer v2.0.0 to staging"), "Succeeded")
        sandbox.reach("D-2", "Succeeded")
