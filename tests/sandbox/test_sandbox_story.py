"""The guide's steps, checked against hand-written states of both simulators."""

import pytest

from sandbox import story
from sandbox.guide import Scene

TITLES = [
    "Try production first", "Deploy to staging", "Watch the rollout", "Promote to production", "Approve as Alice",
    "Approve as Gus", "Approve as Nora", "Approve as Bob", "Approve as Sam", "Watch production", "Look at Nomad",
]  # fmt: skip
IN_PRODUCTION = ["Try production first", "Promote to production"]
"""The steps that are done as soon as there is a message in #production."""


class Stage:
    """A hand-written state of both simulators, with all that the guide reads."""

    def __init__(self):
        self.messages: dict[str, dict] = {}
        self.requests: list[dict] = []
        self.ephemerals: list[dict] = []
        self.jobs: list[dict] = []

    def message(self, channel, state, version="v1.4.2", environment="production", deploy="D-4", shown=""):
        text = f"{state}: checkout {version} to {environment}, asked by <@{story.ALICE}> ({deploy})"
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": shown}}] if shown else []
        self.messages[deploy] = {"channel": channel, "ts": "100.0", "text": text, "blocks": blocks}

    def click(self, person, deploy="D-4", at=200.0):
        payload = {"type": "block_actions", "user": {"id": person}, "actions": [{"value": f"{deploy}:1"}]}
        self.requests.append({"at": at, "payload": payload})

    def command(self, person, text, at=99.0):
        self.requests.append({"at": at, "payload": {"command": "/deploy", "user_id": person, "text": text}})

    def tell(self, person, at, text="no"):
        self.ephemerals.append({"user": person, "at": at, "text": text})

    def register(self, tag, first_line, namespace="apps"):
        version = {"version": len(self.jobs), "image": f"shop/checkout:{tag}", "submission_first_line": first_line}
        self.jobs.append({"id": "checkout", "namespace": namespace, "versions": [version]})

    def slack(self):
        channels: dict[str, list] = {}
        for message in self.messages.values():
            channels.setdefault(message["channel"], []).append(message)
        shown = [{"id": name, "messages": messages} for name, messages in channels.items()]
        return {
            person: {
                "channels": shown,
                "requests": self.requests,
                "ephemerals": [one for one in self.ephemerals if one["user"] == person],
            }
            for person in story.WATCHED
        }

    def nomad(self):
        return {"jobs": self.jobs}


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def done(stage):
    guide = story.guide()
    return lambda: [step["title"] for step in guide.update(stage.slack(), stage.nomad()) if step["done"]]


def test_at_first_nothing_is_done_and_every_step_says_what_to_do(done):
    steps = story.guide().update({}, {})
    assert [step["title"] for step in steps] == TITLES
    assert all(step["text"] for step in steps)
    assert done() == []


def test_the_first_deploys_of_the_seed_tick_off_no_step(stage, done):
    stage.message(story.STAGING, "Succeeded", version="v1.4.1", environment="staging", deploy="D-1")
    stage.message(story.PRODUCTION, "Succeeded", version="v1.4.1", deploy="D-2")
    assert done() == []


def test_a_deploy_to_staging_and_its_rollout(stage, done):
    stage.message(story.STAGING, "Rolling out", environment="staging", deploy="D-3")
    assert done() == ["Deploy to staging"]
    stage.message(story.STAGING, "Succeeded", environment="staging", deploy="D-3")
    assert done() == ["Deploy to staging", "Watch the rollout"]


def test_production_is_refused_first(stage, done):
    stage.tell(story.ALICE, 100.0, "There is no service `chekout`.")
    stage.tell(story.NORA, 100.0, "checkout v1.4.2 has not succeeded in staging.")
    stage.tell(story.ALICE, 100.0, "Recorded as D-3: checkout v1.4.2 to staging")
    assert done() == []
    stage.command(story.ALICE, "checkout v1.4.2 to production because SHOP-981", at=100.5)
    assert done() == []
    stage.tell(story.ALICE, 101.0, ":no_entry: checkout v1.4.2 has not succeeded in staging. Deploy it there")
    assert done() == ["Try production first"]


@pytest.mark.parametrize(
    ("person", "title"),
    [(story.ALICE, "Approve as Alice"), (story.GUS, "Approve as Gus"), (story.NORA, "Approve as Nora")],
)
def test_a_refusal_counts_when_it_follows_a_click(stage, done, person, title):
    stage.message(story.PRODUCTION, "Approval needed")
    stage.tell(person, at=150.0)
    assert done() == IN_PRODUCTION  # a private message from before the click
    stage.click(person)
    assert done() == IN_PRODUCTION
    stage.tell(person, at=200.5)
    assert done() == [*IN_PRODUCTION, title]


def test_a_click_on_another_deploy_is_no_refusal(stage, done):
    stage.message(story.PRODUCTION, "Approval needed")
    stage.click(story.GUS, deploy="D-44")
    stage.tell(story.GUS, at=201.0)
    assert done() == IN_PRODUCTION


def test_one_approval_of_two_then_both(stage, done):
    stage.message(story.PRODUCTION, "Approval needed", shown="Approved by <@U0BOB00001>: 1 of 2")
    assert done() == [*IN_PRODUCTION, "Approve as Bob"]
    stage.message(story.PRODUCTION, "Rolling out", shown="3/6 healthy")
    assert done() == [*IN_PRODUCTION, "Approve as Bob", "Approve as Sam"]


def test_a_step_that_is_done_stays_done(stage, done):
    stage.message(story.PRODUCTION, "Approval needed", shown="1 of 2")
    assert "Approve as Bob" in done()
    stage.message(story.PRODUCTION, "Approval needed", shown="0 of 2")
    assert "Approve as Bob" in done()


def test_nomad_shows_one_version_that_names_the_deploy(stage, done):
    stage.message(story.PRODUCTION, "Succeeded", deploy="D-4")
    stage.register("v1.4.1", "# Nomatron D-2")
    assert "Look at Nomad" not in done()
    stage.register("v1.4.2", "# Nomatron D-41: checkout")
    assert "Look at Nomad" not in done()
    stage.jobs.pop()
    stage.register("v1.4.2", "# Nomatron D-4: checkout", namespace="staging")
    assert "Look at Nomad" not in done()
    stage.register("v1.4.2", "# Nomatron D-4: checkout")
    assert "Look at Nomad" in done()


def test_a_stand_in_without_an_image_has_its_version_in_its_environment(stage, done):
    stage.message(story.PRODUCTION, "Succeeded", deploy="D-4")
    stage.register("", "# D-4")
    stage.jobs[0]["versions"][0] |= {"image": "/bin/sleep", "env": {"VERSION": "v1.4.1"}}
    assert "Look at Nomad" not in done()
    stage.jobs[0]["versions"][0]["env"] = {"VERSION": "v1.4.2"}
    assert "Look at Nomad" in done()


def test_two_versions_of_the_same_image_are_one_too_many(stage, done):
    stage.message(story.PRODUCTION, "Succeeded", deploy="D-4")
    stage.register("v1.4.2", "# D-4")
    stage.register("v1.4.2", "# D-4")
    assert "Look at Nomad" not in done()


def test_a_text_that_is_no_deploy_is_passed_over(stage):
    stage.messages["x"] = {"channel": story.OPS, "ts": "1.0", "text": None, "blocks": None}
    stage.messages["y"] = {"channel": story.OPS, "ts": "2.0", "text": "Lost: a channel", "blocks": []}
    assert Scene(stage.slack(), {}).deploys("checkout", "v1.4.2", "production") == []


def test_the_workspace_is_the_cast_with_its_groups():
    workspace = story.workspace()
    assert [one.real_name for one in workspace.people] == ["Alice", "Bob", "Carol", "Sam", "Gus", "Nora"]
    assert [one.real_name for one in workspace.people if one.is_restricted] == ["Gus"]
    assert {group.handle: group.users for group in workspace.groups} == {
        "developers": [story.ALICE, story.BOB, story.CAROL, story.GUS],
        "sre": [story.SAM],
    }
    assert {channel.name for channel in workspace.channels} == {"staging", "production", "ops", "audit", "general"}
    assert story.workspace().people is not workspace.people  # each sandbox has its own
    pictures = story.about_the_cast()
    assert len({one["colour"] for one in pictures}) == len(pictures) == 7
