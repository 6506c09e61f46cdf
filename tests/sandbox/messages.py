"""Messages and a cluster in the middle of a deploy, as the page has to show them."""

from __future__ import annotations

import time

ACTIONS = {"approve": "deploy.approve", "reject": "reject", "more": "deploy.more"}
HEAD = ":large_yellow_circle: *Approval needed*: deploy *checkout* `v1.4.2` to *production*"
EFFECT = "> SHOP-981 &lt;b&gt;not bold&lt;/b&gt;\n:mag: `count` 1 → 6, *6 replaced one by one*, 1 canary first"
MARKS = """\
*bold* _italic_ ~gone~ `code <@U0BOB00001>` <https://example.com/a?b=1&amp;c=2|a link> <!here>
```
fenced *not bold*
```
after :no_such_emoji: &lt;img src=x onerror=alert(1)&gt;"""
DIFF = """~ Task "web"
~   Config.image: "shop/checkout:v1.4.1" => "shop/checkout:v1.4.2"
~   Env[LOG_LEVEL]: "info" => "warn"
~ Group "web"
~   Count: "1" => "6" (<script>alert(1)</script>)"""

KILLED = {"desired": "stop", "client_status": "complete", "event": "Killed: Task successfully killed"}


def _md(text: str) -> dict:
    return {"type": "mrkdwn", "text": text}


def _plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def _option(text: str, value: str) -> dict:
    return {"text": _plain(text), "value": value}


def waiting(number: int = 3) -> dict:
    """A deploy that waits for two approvals: text, blocks and metadata."""
    deploy = f"D-{number}"
    confirm = {
        "title": _plain(f"Approve {deploy}?"),
        "text": _md("*checkout* `v1.4.2` will start in *production* when the other seat is filled."),
        "confirm": _plain("Approve"),
        "deny": _plain("Not now"),
    }
    more = {
        "type": "overflow",
        "action_id": ACTIONS["more"],
        "options": [_option("Withdraw", f"withdraw:{deploy}:1"), _option("Explain", f"explain:{deploy}:1")],
    }
    buttons = [
        {
            "type": "button",
            "style": "primary",
            "action_id": ACTIONS["approve"],
            "value": f"{deploy}:1",
            "text": _plain("Approve"),
            "confirm": confirm,
            "accessibility_label": f"Approve {deploy}, checkout v1.4.2 to production",
        },
        {
            "type": "button",
            "style": "danger",
            "action_id": ACTIONS["reject"],
            "value": f"{deploy}:1",
            "text": _plain("Reject…"),
        },
        {
            "type": "button",
            "action_id": "link.compare",
            "url": "https://git.example/checkout/compare",
            "text": _plain("Compare"),
        },
    ]
    asked = f"<!date^{int(time.time())}^{{date_short_pretty}} at {{time}}|now>"
    facts = [
        "*Environment*\nproduction · `apps/checkout`",
        "*Version*\n`v1.4.1` → `v1.4.2`",
        "*Asked by*\n<@U0ALICE001>",
        "*Needs* (0 of 2)\n1 of <!subteam^S0SRE00001>, 1 of checkout-owners",
    ]
    return {
        "text": f"Approval needed: checkout v1.4.2 to production, asked by <@U0ALICE001> ({deploy})",
        "metadata": {"event_type": "nomatron_deploy", "event_payload": {"id": deploy, "plan": 1, "status": "waiting"}},
        "blocks": [
            {"type": "section", "text": _md(HEAD), "accessory": more},
            {"type": "section", "fields": [_md(fact) for fact in facts]},
            {"type": "section", "text": _md(EFFECT)},
            {"type": "actions", "elements": buttons},
            {"type": "context", "elements": [_md(f"`{deploy}` · asked {asked} · details in the thread")]},
        ],
    }


def _rich() -> dict:
    def words(*elements: dict) -> dict:
        return {"type": "rich_text_section", "elements": list(elements)}

    said = {"type": "text", "text": "1 seat: "}
    return {
        "type": "rich_text",
        "elements": [
            words({"type": "text", "text": "Who can approve", "style": {"bold": True}}),
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    words(said, {"type": "usergroup", "usergroup_id": "S0SRE00001"}),
                    words(
                        said,
                        {"type": "user", "user_id": "U0BOB00001"},
                        {"type": "text", "text": " or "},
                        {"type": "user", "user_id": "U0CAROL001"},
                    ),
                ],
            },
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": DIFF}]},
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "literal *stars* <b>tags</b>"}]},
        ],
    }


def thread() -> dict:
    """The reply with the whole plan."""
    return {"text": "The plan of D-3", "blocks": [_rich()]}


def every_block() -> dict:
    """A message with each block kind that a message may have and the bot may send."""
    rows = [["Service", "Version", "Healthy"], ["checkout", "v1.4.2", "6"], ["mailer", "v2.0.0", "2"]]
    return {
        "text": "Every block",
        "blocks": [
            {"type": "header", "text": _plain("Deployments :rocket: today")},
            {"type": "divider"},
            {"type": "section", "text": _md(MARKS)},
            _rich(),
            {
                "type": "table",
                "column_settings": [{}, {}, {"align": "right"}],
                "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in rows],
            },
            {"type": "context", "elements": [_md(":white_check_mark: all well"), _md(":warning: look here")]},
        ],
    }


def digest(ts: str, *people: str) -> list[dict]:
    """A table whose only change links to the message of that ts in #production, and names these people."""

    def rich(*leaves: dict) -> dict:
        return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(leaves)}]}

    address = f"https://nomatron.slack.com/archives/C0PROD0001/p{ts.replace('.', '')}"
    mentions = [[{"type": "text", "text": ", "}, {"type": "user", "user_id": user}] for user in people]
    row = [
        rich({"type": "link", "url": address, "text": "D-3"}),
        rich({"type": "emoji", "name": "red_circle"}, {"type": "text", "text": " Failed", "style": {"bold": True}}),
        {"type": "raw_text", "text": "3m2s"},
        rich(*[leaf for pair in mentions for leaf in pair][1:]),
    ]
    head = [{"type": "raw_text", "text": name} for name in ("Deploy", "Result", "Took", "By")]
    return [{"type": "table", "column_settings": [{}, {}, {"align": "right"}], "rows": [head, row]}]


def _allocation(number: int, version: int, **more) -> dict:
    return {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "name": f"checkout.web[{number}]",
        "version": version,
        "desired": "run",
        "client_status": "running",
        "healthy": True,
        "event": "Started: Task started by client",
    } | more


def _version(number: int, tag: str, **more) -> dict:
    return {
        "version": number,
        "job_modify_index": 10 + number,
        "stable": True,
        "stop": False,
        "image": f"shop/checkout:{tag}",
        "env": {"LOG_LEVEL": "warn"},
        "submission_first_line": f"# Nomatron D-{number + 2}: checkout {tag} to production",
        "token": "11111111-2222",
        "submit_time": int(time.time() * 1e9),
    } | more


def rolling() -> dict:
    """Nomad's side while v1.4.2 rolls out in production; mailer is well, an older allocation of it failed."""
    group = {
        "DesiredTotal": 6,
        "DesiredCanaries": 1,
        "PlacedAllocs": 4,
        "HealthyAllocs": 3,
        "UnhealthyAllocs": 0,
        "Promoted": True,
        "AutoPromote": True,
    }
    checkout: dict = {
        "namespace": "apps",
        "id": "checkout",
        "type": "service",
        "status": "running",
        "stop": False,
        "version": 1,
        "image": "shop/checkout:v1.4.2",
        "stable": False,
        "job_modify_index": 11,
        "versions": [_version(1, "v1.4.2", stable=False), _version(0, "v1.4.1")],
        "deployment": {
            "Status": "running",
            "StatusDescription": "Deployment is running",
            "JobVersion": 1,
            "TaskGroups": {"web": group},
        },
        "allocations": [
            *[_allocation(number, 1) for number in range(3)],
            _allocation(3, 1, client_status="pending", healthy=None, event="Received: Task received by client"),
            *[_allocation(number, 0, **KILLED) for number in range(4, 7)],
        ],
    }
    failed = {**group, "HealthyAllocs": 1, "UnhealthyAllocs": 1, "DesiredTotal": 2, "DesiredCanaries": 0}
    mailer = {
        **checkout,
        "id": "mailer",
        "job_modify_index": 7,
        "image": "shop/mailer:v2.0.1",
        "versions": [_version(0, "v2.0.0")],
        "deployment": {
            "Status": "failed",
            "JobVersion": 1,
            "TaskGroups": {"mailer": failed},
            "StatusDescription": "Failed due to unhealthy allocations - rolling back to job version 0",
        },
        "allocations": [_allocation(9, 1, client_status="failed", healthy=False, event="Terminated: Exit Code: 1")],
    }
    staging = {
        **checkout,
        "namespace": "staging",
        "job_modify_index": 9,
        "deployment": {
            **checkout["deployment"],
            "Status": "successful",
            "StatusDescription": "Deployment completed successfully",
            "TaskGroups": {"web": {**group, "DesiredTotal": 1, "HealthyAllocs": 1}},
        },
    }
    switches = {
        "fail": [{"namespace": "apps", "job": "checkout", "match": "v1.4.3"}],
        "next_registers": [],
        "outage": "none",
        "memory_mb": 4096,
    }
    return {
        "speed": 20,
        "index": 42,
        "namespaces": ["apps", "staging"],
        "jobs": [checkout, mailer, staging],
        "switches": switches,
    }
