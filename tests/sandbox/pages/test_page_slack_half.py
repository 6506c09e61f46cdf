"""The simulated Slack as a person sees it: what the bot sent is drawn, and what is clicked reaches the bot."""

import pytest

from tests.sandbox import messages

pytestmark = pytest.mark.browser

PRODUCTION, STAGING = "C0PROD0001", "C0STAGING1"
ALICE, BOB, GUS = "U0ALICE001", "U0BOB00001", "U0GUS00001"


def clicks(shop):
    return [payload for payload in shop.bot.payloads if payload.get("type") == "block_actions"]


@pytest.fixture
def waiting(shop, browser):
    """A deploy that waits in #production, open on the page; its ts."""
    ts = shop.post(PRODUCTION, **messages.waiting())
    browser.hook("channel-production").click()
    browser.hook("message")
    return ts


def test_every_block_kind_is_drawn_and_text_stays_text(shop, browser):
    ts = shop.post(STAGING, **messages.every_block())
    message = browser.hook("message")
    assert message.get_attribute("data-ts") == ts

    def words(css):
        return [found.text for found in message.find_elements("css selector", css)]

    assert words("h3") == ["Deployments today"]  # the rocket is drawn
    assert words("strong")[1:3] == ["bold", "Who can approve"]  # the first is the sender
    assert words("em") == ["italic"]
    assert words("s") == ["gone"]
    assert words("code") == ["code @Bob"]
    assert words("a") == ["a link"]
    assert message.find_element("css selector", "a").get_attribute("href") == "https://example.com/a?b=1&c=2"
    assert words("pre") == ["fenced *not bold*", messages.DIFF]
    assert words("blockquote") == ["literal *stars* <b>tags</b>"]
    assert words("li") == ["1 seat: @sre", "1 seat: @Bob or @Carol"]
    assert words("th") == ["Service", "Version", "Healthy"]
    assert words("td")[:3] == ["checkout", "v1.4.2", "6"]
    assert words(".block-context span") == ["all well", "look here"]
    assert "<img src=x onerror=alert(1)>" in message.text
    assert ":no_such_emoji:" in message.text
    assert browser.all("[data-testid=unknown-block]") == []
    assert browser.all("article img, article script") == []


def test_an_unknown_block_is_loud(shop, browser):
    async def sneak():
        # The simulated Slack would refuse such a block; the page must not trust that.
        message = next(iter(shop.slack.state.messages.values()))
        message.now.blocks.append({"type": "hologram", "text": "<b>x</b>"})
        shop.slack.state.changed()

    shop.post(STAGING, text="plain", blocks=[{"type": "divider"}])
    shop.run(sneak())
    placeholder = browser.hook("unknown-block")
    assert "hologram" in placeholder.text
    assert placeholder.get_attribute("role") == "alert"


def test_a_click_is_confirmed_and_reaches_the_bot_with_what_it_was_clicked_on(shop, browser, waiting):
    browser.become(BOB)
    browser.one('[data-action="deploy.approve"]').click()
    assert "Approve D-3?" in browser.hook("confirm").text
    browser.hook("confirm-yes").click()
    click = browser.until(lambda: clicks(shop))[0]
    assert click["user"]["id"] == BOB
    assert click["container"]["message_ts"] == waiting
    assert (click["actions"][0]["action_id"], click["actions"][0]["value"]) == ("deploy.approve", "D-3:1")


def test_a_click_that_is_not_confirmed_is_not_sent(shop, browser, waiting):
    browser.one('[data-action="deploy.approve"]').click()
    browser.hook("confirm-no").click()
    browser.until(lambda: not browser.all("dialog"))
    assert clicks(shop) == []


def test_the_menu_sends_the_option_that_was_chosen(shop, browser, waiting):
    browser.one('[data-action="deploy.more"]').click()
    assert [item.text for item in browser.all('[role="menuitem"]')] == ["Withdraw", "Explain"]
    browser.all('[role="menuitem"]')[1].click()
    click = browser.until(lambda: clicks(shop))[0]
    assert click["actions"][0]["selected_option"]["value"] == "explain:D-3:1"


def test_a_modal_is_filled_in_told_off_and_sent(shop, browser, waiting):
    shop.bot.errors = {"reason": "Say more than that."}
    browser.one('[data-action="reject"]').click()
    modal = browser.hook("modal")
    assert "Reject D-3" in modal.text
    browser.hook("modal-submit").click()
    assert browser.hook("input-error").text == "Please complete this required field."
    browser.hook("input-reason").send_keys("too late")
    browser.hook("modal-submit").click()
    browser.until(lambda: browser.hook("input-error").text == "Say more than that.")
    assert browser.hook("input-reason").get_attribute("value") == "too late"  # nothing typed is lost
    shop.bot.errors = None
    browser.hook("input-reason").send_keys(" for tonight")
    browser.hook("modal-submit").click()
    browser.until(lambda: not browser.all("dialog"))
    submissions = [payload for payload in shop.bot.payloads if payload.get("type") == "view_submission"]
    assert submissions[-1]["view"]["state"]["values"]["reason"]["text"]["value"] == "too late for tonight"


def test_a_modal_is_closed_with_escape(shop, browser, waiting):
    browser.one('[data-action="reject"]').click()
    browser.hook("input-reason").send_keys("\ue00c")
    browser.until(lambda: not browser.all("dialog"))


def test_a_command_is_typed_and_answered_to_that_person_alone(shop, browser):
    browser.hook("composer").send_keys("/deploy help\n")
    whisper = browser.hook("ephemeral")
    assert "Only visible to you" in whisper.text
    assert "You said help" in whisper.text
    command = shop.bot.payloads[0]
    assert (command["user_id"], command["channel_id"], command["text"]) == (ALICE, STAGING, "help")
    browser.become(GUS)
    browser.until(lambda: not browser.all("[data-testid=ephemeral]"))
    browser.become(ALICE)
    browser.hook("ephemeral").find_element("css selector", ".link").click()
    browser.until(lambda: not browser.all("[data-testid=ephemeral]"))


def test_text_that_is_not_a_command_stays_and_the_page_says_why(shop, browser):
    browser.hook("composer").send_keys("hello\n")
    assert "only send commands" in browser.hook("toast").text
    assert browser.hook("composer").get_attribute("value") == "hello"
    assert shop.bot.payloads == []


def test_an_update_shows_at_once_and_a_button_that_went_is_gone(shop, browser, waiting):
    done = {"text": "Succeeded", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Succeeded*"}}]}
    shop.run(shop.bot.call("chat.update", channel=PRODUCTION, ts=waiting, **done))
    browser.says("Succeeded")
    assert browser.all('[data-action="deploy.approve"]') == []


def test_the_thread_beside_the_channel(shop, browser, waiting):
    shop.post(PRODUCTION, thread_ts=waiting, **messages.thread())
    browser.hook("open-thread").click()
    thread = browser.hook("thread")
    assert messages.DIFF in thread.text
    browser.hook("thread-close").click()
    browser.until(lambda: not thread.is_displayed())


def test_a_channel_with_something_new_stands_out(shop, browser):
    shop.post(PRODUCTION, text="news")
    channel = browser.hook("channel-production")
    browser.until(lambda: "unread" in browser.hook("channel-production").get_attribute("class"))
    channel = browser.hook("channel-production")
    channel.click()
    browser.says("news")
    browser.until(lambda: "unread" not in browser.hook("channel-production").get_attribute("class"))


def test_a_bot_that_is_away_is_told(shop, browser):
    shop.slack.request_url = "http://127.0.0.1:1/slack/events"
    browser.hook("composer").send_keys("/deploy help\n")
    browser.says("dispatch_failed")


def test_a_link_that_is_no_web_address_is_not_followed(shop, browser):
    shop.post(STAGING, text="<javascript:alert(1)|press me>")
    message = browser.hook("message")
    assert "javascript:alert(1)" in message.text
    assert message.find_elements("css selector", "a") == []


def test_on_a_phone_nothing_is_cut_off(shop, browser):
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        fields = [{"type": "mrkdwn", "text": f"*Environment*\nproduction · namespace `apps-{n}`"} for n in range(2)]
        shop.post(STAGING, text="x", blocks=[{"type": "section", "fields": fields}])
        browser.says("namespace apps-1")

        def sideways(css: str) -> bool:
            return browser.driver.execute_script(
                "const e = document.querySelector(arguments[0]); return e.scrollWidth > e.clientWidth", css
            )

        assert [css for css in ("html", "#messages", "#sidebar", "#nomad") if sideways(css)] == []
        first, second = browser.all(".section-fields > *")[-2:]
        assert first.location["x"] == second.location["x"]
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
