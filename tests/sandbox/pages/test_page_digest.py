"""Tables, files in threads and links to messages, as a reader of a digest sees and follows them."""

import pytest

from tests.sandbox import messages

pytestmark = pytest.mark.browser

AUDIT, PRODUCTION, OPS = "C0AUDIT001", "C0PROD0001", "C0OPS00001"
BOB, NORA = "U0BOB00001", "U0NORA0001"
CSV = "\ufeffdeploy,service\r\n" + "".join(f"D-{number},<b>größer</b> 💥\r\n" for number in range(1, 12))


@pytest.fixture
def digest(shop, browser):
    """Messages that fill #production, and in #audit a table that links to the first of them; its ts."""
    first = shop.post(PRODUCTION, **messages.waiting())
    for number in range(10):
        shop.post(PRODUCTION, text=f"news {number}\n" * 9)
    ts = shop.post(AUDIT, text="Deployments", blocks=messages.digest(first, BOB, NORA))
    browser.hook("channel-audit").click()
    browser.hook("message")
    return ts


def upload(shop, thread, name="day.csv", title="The day", content=CSV):
    """The bot puts a file into a thread."""

    shop.run(shop.bot.upload(AUDIT, thread, name=name, title=title, content=content.encode()))


def test_a_table_has_a_header_alignment_people_and_links(shop, browser, digest):
    table = browser.one("article table")
    assert [cell.text for cell in table.find_elements("css selector", "thead th")] == ["Deploy", "Result", "Took", "By"]
    row = table.find_elements("css selector", "tbody tr")[0].find_elements("css selector", "td")
    assert [cell.text for cell in row] == ["D-3", "Failed", "3m2s", "@Bob, @Nora"]
    assert row[2].value_of_css_property("text-align") == "right"
    assert row[0].find_element("css selector", "a").get_attribute("href").endswith(digest_link(shop))
    assert len(row[1].find_elements("css selector", '[role="img"], svg')) == 1
    assert [one.get_attribute("data-user") for one in row[3].find_elements("css selector", ".mention")] == [BOB, NORA]


def digest_link(shop):
    """The end of the address of the first message in #production."""
    first = next(ts for channel, ts in shop.slack.state.messages if channel == PRODUCTION)
    return f"/archives/{PRODUCTION}/p{first.replace('.', '')}"


def test_a_wide_table_scrolls_by_itself_and_breaks_no_line(shop, browser, digest):
    rows = [[{"type": "raw_text", "text": f"a long name {row} {cell}"} for cell in range(12)] for row in range(3)]
    shop.post(AUDIT, text="wide", blocks=[{"type": "table", "rows": rows}])
    browser.until(lambda: len(browser.all(".table-scroll")) == 2)
    wide = browser.all(".table-scroll")[1]

    def measured(what):
        return browser.driver.execute_script(f"return arguments[0].{what}", wide)

    assert measured("scrollWidth") > measured("clientWidth")
    list_width = browser.driver.execute_script(
        "const list = document.getElementById('messages'); return [list.scrollWidth, list.clientWidth]"
    )
    assert list_width[0] == list_width[1]
    assert {row.size["height"] for row in wide.find_elements("css selector", "tr")} <= {30, 31, 29}


def test_a_link_to_a_message_jumps_to_it(shop, browser, digest):
    link = browser.one("article table a")
    assert link.text == "D-3"
    link.click()
    browser.until(lambda: browser.hook("channel-production").get_attribute("aria-current") == "page")
    first = next(ts for channel, ts in shop.slack.state.messages if channel == PRODUCTION)
    found = browser.one(f'#messages article[data-ts="{first}"]')
    place, frame = found.rect, browser.one("#messages").rect
    assert frame["y"] <= place["y"] + place["height"] / 2 <= frame["y"] + frame["height"]
    assert browser.driver.switch_to.active_element == found
    assert len(browser.driver.window_handles) == 1


def test_a_link_to_a_message_that_is_gone_says_so(shop, browser, digest):
    lost, nowhere, theirs = (
        f"<https://{team}.slack.com/archives/{channel}/p1700000000000001|a link>"
        for team, channel in (("nomatron", OPS), ("nomatron", "C0GONE0001"), ("elsewhere", OPS))
    )
    shop.post(AUDIT, text=f"{lost} {nowhere} {theirs}")
    browser.until(lambda: len(browser.all("#messages article")) == 2)
    lost, nowhere, _ = browser.all("#messages article")[1].find_elements("css selector", "a")
    nowhere.click()
    browser.says("You cannot see the channel")
    lost.click()
    browser.says("no longer exists")
    assert browser.hook("channel-ops").get_attribute("aria-current") == "page"


def test_a_file_in_the_thread_shows_its_name_its_size_and_its_first_lines(shop, browser, digest):
    upload(shop, digest)
    browser.hook("open-thread").click()
    file = browser.one("#thread [data-testid=file]")
    browser.until(lambda: "… 6 more lines" in file.text)
    assert file.text.split("\n")[:4] == [
        "The day",
        f"day.csv · {len(CSV.encode())} bytes",
        "Download",
        "deploy,service",
    ]
    assert "D-1,<b>größer</b> 💥" in file.text
    assert file.find_elements("css selector", "pre b") == []
    download = file.find_element("css selector", "a")
    assert download.get_attribute("download") == "day.csv"
    fetched = browser.driver.execute_async_script(
        "fetch(arguments[0])"
        ".then(async (a) => arguments[1]([a.status, await a.text(), a.headers.get('content-type')]))",
        download.get_attribute("href"),
    )
    assert fetched[:2] == [200, CSV.removeprefix("\ufeff")]
    assert fetched[2].startswith("text/plain")


def test_a_file_that_is_no_text_has_no_look(shop, browser, digest):
    upload(shop, digest, name="picture.png", title="A picture", content="x" * 2_345_678)
    browser.hook("open-thread").click()
    file = browser.one("#thread [data-testid=file]")
    assert file.text.split("\n") == ["A picture", "picture.png · 2.3 MB", "Download"]
