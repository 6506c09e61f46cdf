"""The simulated Nomad as a person sees it, the switches, and the guide."""

import pytest

from tests.sandbox import messages

pytestmark = pytest.mark.browser


@pytest.fixture
def rolling(shop, browser):
    async def show():
        shop.nomad.show(messages.rolling())

    shop.run(show())
    return browser.hook("job-apps-checkout")


def test_a_rollout_its_versions_and_its_allocations(browser, rolling):
    assert "3 of 6 healthy" in rolling.text
    bar = rolling.find_element("css selector", '[role="progressbar"]')
    assert (bar.get_attribute("aria-valuenow"), bar.get_attribute("aria-valuemax")) == ("3", "6")
    versions = [found.text for found in rolling.find_elements("css selector", "[data-testid=version]")]
    assert "# Nomatron D-3: checkout v1.4.2 to production" in versions[0]
    assert "stable" in versions[1]
    events = [found.text for found in rolling.find_elements("css selector", "td.event")]
    assert events[3] == "Received: Task received by client"
    assert len(events) == 7


def test_a_failure_is_told_with_its_event(browser, rolling):
    mailer = browser.hook("job-apps-mailer")
    assert "rolling back to job version 0" in mailer.text
    mailer.find_element("css selector", "button").click()
    browser.until(lambda: "Terminated: Exit Code: 1" in browser.hook("job-apps-mailer").text)


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("fail-on", ("fail", {"namespace": "apps", "job": "checkout", "match": "v1.4.3", "fail": True})),
        ("fail-off", ("fail", {"namespace": "apps", "job": "checkout", "match": "v1.4.3", "fail": False})),
        ("change", ("change", {"namespace": "apps", "job": "checkout", "env": {"LOG_LEVEL": "debug"}})),
        ("hotfix", ("change", {"namespace": "apps", "job": "checkout", "env": {"HOTFIX": "1"}})),
        (
            "register",
            ("next-register", {"apply": True, "when": "before", "answer": "late", "seconds": 25, "times": 1}),
        ),
    ],
)
def test_a_switch_reaches_nomad(shop, browser, rolling, control, expected):
    browser.hook("tab-switches").click()
    if control.startswith("fail"):
        browser.one("#fail-job option[value='apps/checkout']").click()
    browser.hook(control).click()
    browser.until(lambda: shop.nomad.posts)
    assert shop.nomad.posts == [expected]


def test_report_is_registered_by_hand(shop, browser, rolling):
    browser.hook("tab-switches").click()
    browser.hook("by-hand").click()
    browser.until(lambda: shop.nomad.posts)
    ((path, body),) = shop.nomad.posts
    (task,) = body["job"]["TaskGroups"][0]["Tasks"]
    assert (path, body["namespace"], body["job"]["ID"], list(task["Env"])) == ("register", "apps", "report", ["DB_URL"])
    assert task["Resources"] == {"CPU": 500, "MemoryMB": 2048}


def test_full_nodes_are_one_choice(shop, browser, rolling):
    browser.hook("tab-switches").click()
    browser.one('[data-testid="room"] option[value="full"]').click()
    browser.until(lambda: shop.nomad.posts)
    assert shop.nomad.posts == [("capacity", {"memory_mb": 10})]


def test_an_outage_is_one_choice(shop, browser, rolling):
    browser.hook("tab-switches").click()
    browser.one("[data-testid=outage] option[value=hang]").click()
    browser.until(lambda: shop.nomad.posts)
    assert shop.nomad.posts == [("outage", {"mode": "hang"})]


def test_slack_goes_away_and_comes_back(shop, browser):
    browser.hook("tab-switches").click()
    browser.one("[data-testid=slack-fault] option[value=silent]").click()
    browser.until(lambda: "armed" in browser.hook("slack-fault").get_attribute("class"))
    assert [fault["mode"] for fault in shop.slack.faults.standing()] == ["silent"]
    browser.one("[data-testid=slack-fault] option[value=none]").click()
    browser.until(lambda: not shop.slack.faults.standing())


def test_the_guide_sets_the_scene_and_ticks_off(shop, browser):
    browser.become("U0SAM00001")
    browser.hook("setup").click()
    assert browser.hook("composer").get_attribute("value").startswith("/deploy checkout v1.4.2 to production")
    browser.until(lambda: browser.hook("person").get_attribute("value") == "U0ALICE001")
    assert browser.hook("step-2").get_attribute("data-done") == "false"
    shop.post("C0STAGING1", text="Rolling out: checkout v1.4.2 to staging, asked by <@U0ALICE001> (D-3)")
    browser.until(lambda: browser.hook("step-2").get_attribute("data-done") == "true")
    assert "Try production first" in browser.one(".step-now").text
    assert len(browser.all("[data-testid^=step-]")) == 11


def test_getting_ready_is_said(shop, browser):
    async def tell():
        shop.page.set_seed("running", "deploying checkout v1.4.1 to staging")

    shop.run(tell())
    assert "deploying checkout v1.4.1 to staging" in browser.hook("seed").text


def test_the_tabs_work_with_the_keyboard(browser):
    tab = browser.hook("tab-jobs")
    tab.send_keys("\ue014")
    browser.until(lambda: browser.hook("tab-switches").get_attribute("aria-selected") == "true")
    browser.hook("panel-switches")


def test_nothing_went_wrong_in_the_browser(shop, browser, rolling):
    browser.hook("tab-switches").click()
    said = [entry["message"] for entry in browser.driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert said == []


def test_a_real_agent_is_named_and_its_switches_are_those_that_it_has(shop, browser):
    stand_in = {"image": "/bin/sleep", "env": {"VERSION": "v1.4.2"}}
    (checkout, *_) = messages.rolling()["jobs"]
    job = {**checkout, **stand_in, "versions": [{**checkout["versions"][0], **stand_in}]}
    agent = {"address": "http://nomad.example:4646", "version": "2.0.5"}

    async def show():
        shop.nomad.show({"speed": 1, "jobs": [job], "switches": {}, "agent": agent})

    shop.run(show())
    assert browser.hook("real-agent").text == "real agent, 2.0.5"
    assert browser.one("#nomad h2").text == "Nomad"
    assert "v1.4.2" in browser.hook("job-apps-checkout").text
    browser.hook("tab-switches").click()
    browser.says("More switches with the simulated Nomad")
    browser.hook("change").click()
    browser.until(lambda: shop.nomad.posts)
    assert shop.nomad.posts == [("change", {"namespace": "apps", "job": "checkout", "env": {"LOG_LEVEL": "debug"}})]
    assert browser.all("[data-testid=fail-on], [data-testid=register], [data-testid=outage]") == []
