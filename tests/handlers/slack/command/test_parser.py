from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalog.reserved import VERBS as RESERVED
from bot.domain.decision import Refused
from handlers.slack.command import parser as grammar
from handlers.slack.command.ast import (
    Audit,
    Command,
    Help,
    History,
    OfDeploy,
    Preview,
    Promote,
    Request,
    Status,
    Whoami,
)
from handlers.slack.command.lexer import undo
from handlers.slack.command.parser import parse
from handlers.slack.command.reader import Vocabulary

WORDS = Vocabulary(("checkout", "mailer"), ("staging", "production"))


def parsed(text: str) -> Any:
    return parse(text, WORDS)


def refused(text: str) -> tuple[str, str]:
    answer = parsed(text)
    assert isinstance(answer, Refused), answer
    return answer.reasons[0].code, answer.reasons[0].text


COMMANDS = [
    ("checkout v1.4.2", Request("checkout", "v1.4.2")),
    ("checkout v1.4.2 to staging", Request("checkout", "v1.4.2", "staging")),
    ("checkout v1.4.2 in staging", Request("checkout", "v1.4.2", "staging")),
    ("  checkout\tv1.4.2   TO staging ", Request("checkout", "v1.4.2", "staging")),
    (
        "checkout v1.4.2 to production with count=3 debug=true because SHOP-981 to be safe",
        Request("checkout", "v1.4.2", "production", {"count": 3, "debug": True}, "SHOP-981 to be safe"),
    ),
    (
        "checkout v1 with name=“two words” count=007 ratio=1.5 empty= to staging",
        Request("checkout", "v1", "staging", {"name": "two words", "count": "007", "ratio": "1.5", "empty": ""}),
    ),
    ('checkout v1 with count="3"', Request("checkout", "v1", None, {"count": "3"})),
    ("checkout v1 because don’t ask", Request("checkout", "v1", None, {}, "don’t ask")),
    ('"checkout" v1', Request("checkout", "v1")),
    ("checkout v1–rc1 to staging", Request("checkout", "v1-rc1", "staging")),
    ("help", Help()),
    ("Help Approve", Help("approve")),
    ("whoami", Whoami()),
    ("status", Status()),
    ("status checkout", Status("checkout")),
    ("status checkout in production", Status("checkout", None, "production")),
    ("status in production", Status(None, None, "production")),
    ("status d12", Status(None, 12)),
    ("digest preview", Preview()),
    ("Digest Preview Yesterday", Preview("yesterday")),
    ("digest preview 2026–11–21", Preview("2026-11-21")),
    ("history checkout", History("checkout")),
    ("history in production checkout", History("checkout", "production")),
    ("history “checkout2” in “prod”", History("checkout2", "prod")),
    ("history gone in lab", History("gone", "lab")),
    ('history "production" in "D-12"', History("production", "D-12")),
    ("audit gone", Audit(None, "gone")),
    ("audit", Audit()),
    ("audit D-12", Audit(deploy=12)),
    ("audit d–12", Audit(deploy=12)),
    ("audit 12 today", Audit("today", deploy=12)),
    ("audit by <@U0ALICE001> d12 in staging", Audit(None, None, "staging", "U0ALICE001", 12)),
    ('audit "D-12"', Audit(None, "D-12")),
    ("audit TODAY", Audit("today")),
    ("audit checkout", Audit(None, "checkout")),
    (
        "audit 2026-11-21 mailer in staging by <@U0ALICE001|alice>",
        Audit("2026-11-21", "mailer", "staging", "U0ALICE001"),
    ),
    ("audit by <@U0ALICE001> in staging mailer today", Audit("today", "mailer", "staging", "U0ALICE001")),
    ("audit by @U0ALICE001", Audit(by="U0ALICE001")),
    ("audit by operator:root", Audit(by="operator:root")),
    ('audit "in" in "2026-11-21"', Audit(None, "in", "2026-11-21")),
    ("promote D-12", Promote("", 12)),
    ("promote checkout", Promote("checkout")),
    (
        "promote checkout to production with count=3 because SHOP-981",
        Promote("checkout", None, "production", {"count": 3}, "SHOP-981"),
    ),
    ("plan D-12", OfDeploy("plan", 12)),
    ("plan D–12", OfDeploy("plan", 12)),
    ("retract d-12", OfDeploy("retract", 12)),
    ("withdraw 12", OfDeploy("withdraw", 12)),
    ("approve D-12 looks good", OfDeploy("approve", 12, "looks good")),
    ("reject D-0012 not on — a Friday", OfDeploy("reject", 12, "not on — a Friday")),
]


@pytest.mark.parametrize(("text", "command"), COMMANDS)
def test_commands(text: str, command: object) -> None:
    assert parsed(text) == command


REFUSALS = [
    ("", "service-missing", "Services: checkout, mailer."),
    ("checkout", "version-missing", "Environments: staging, production."),
    ("checkout to staging", "version-missing", "/deploy checkout VERSION to ENV"),
    ("checkout v1 to", "environment-missing", "staging, production"),
    ("checkout v1 to staging to production", "environment-twice", "goes to one"),
    ("checkout v1 with", "setting-form", "with NAME=VALUE"),
    ("checkout v1 with count", "setting-form", "with NAME=VALUE"),
    ("checkout v1 with 1x=2", "setting-form", "`1x=2` is no setting"),
    ("checkout v1 with a=1 a=2", "setting-twice", "`a` is set twice"),
    ("checkout v1 count=3", "unexpected-word", "Settings come after `with`."),
    ("checkout v1 becuase x", "unexpected-word", "Did you mean `because`?"),
    ("checkout v1 at noon", "not-yet", "at WHEN"),
    ('checkout "v1 to staging', "quote-open", "closing quote"),
    ("stauts", "unknown-word", "Did you mean `status`?"),
    ("aprove D-12", "unknown-word", "Did you mean `approve`?"),
    ("zzz", "unknown-word", "Services: checkout, mailer."),
    ("rollback checkout", "not-yet", "`rollback` is not there yet"),
    ("promote", "deploy-missing", "/deploy promote SERVICE|D-n [to ENV]"),
    ("promote chekout", "unknown-service", "Did you mean `checkout`?"),
    ("promote D-12 to", "environment-missing", "staging, production"),
    ("promote D-12 v1.4.2", "unexpected-word", "`v1.4.2`"),
    ("help nonsense", "help-topic", "Topics: request, promote, status"),
    ("status chekout", "unknown-service", "Did you mean `checkout`?"),
    ("status in prodution", "unknown-environment", "Did you mean `production`?"),
    ("status checkout mailer", "unexpected-word", "`mailer`"),
    ("whoami please", "unexpected-word", "`please`"),
    ("digest", "digest-form", "Write `/deploy digest preview [today|yesterday|DATE]`"),
    ("digest previw", "digest-form", "Did you mean `preview`?"),
    ("digest today", "digest-form", "`today`"),
    ("digest preview yestreday", "day-form", "Did you mean `yesterday`?"),
    ("digest preview 2026-02-30", "day-form", "`2026-02-30` is no day."),
    ("digest preview 20261121", "day-form", "such as `2026-11-21`"),
    ("digest preview today please", "unexpected-word", "`please`"),
    ("history", "service-missing", "Services: checkout, mailer."),
    ("history chekout", "unknown-service", "Did you mean `checkout`?"),
    ("history checkout mailer", "unexpected-word", "/deploy history SERVICE [in ENV]"),
    ("history checkout production", "unknown-service", "`production` is an environment: write `in production`."),
    ("audit staging today", "unknown-service", "`staging` is an environment: write `in staging`."),
    ("history D-12", "unknown-service", "`/deploy status D-12` tells of it, `/deploy audit D-12` what happened to it."),
    ("audit D-12 d13", "unexpected-word", "[SERVICE] [D-n] [in ENV]"),
    ("history checkout in", "environment-missing", "staging, production"),
    ("history checkout in prodution", "unknown-environment", "Did you mean `production`?"),
    ("history checkout in staging in staging", "unexpected-word", "/deploy history"),
    ("history " + "x" * 151, "unknown-service", "The catalog has checkout, mailer"),
    ('history ""', "unknown-service", "/deploy history SERVICE [in ENV]"),
    ("audit 2026-02-30", "day-form", "`2026-02-30` is no day."),
    ("audit 21.11.2026", "day-form", "such as `2026-11-21`"),
    ("audit yestreday", "unknown-service", "Did you mean `yesterday`?"),
    ("audit today yesterday", "unexpected-word", "/deploy audit [today|yesterday|DATE]"),
    ("audit by", "person-form", "Say who after `by`"),
    ("audit by @alice", "person-form", "from the list that Slack offers after `@`"),
    ("audit by <!subteam^S0SRE00001|@sre>", "person-form", "`@sre`"),
    ("audit by ci:https://ci.example", "person-form", "member ID"),
    ("approve", "deploy-missing", "/deploy approve D-n [TEXT]"),
    ("approve soon", "deploy-form", "`soon` is no deploy's number"),
    ("approve D-0", "deploy-form", "`D-0`"),
    ("reject D-12", "reject-reason", "Say why"),
    ("withdraw D-12 please", "unexpected-word", "`please`"),
]


@pytest.mark.parametrize(("text", "code", "says"), REFUSALS)
def test_refusals_say_what_was_meant_or_what_is_missing(text: str, code: str, says: str) -> None:
    found, sentence = refused(text)

    assert found == code
    assert says in sentence


def test_a_service_named_like_a_date_is_itself() -> None:
    assert parse("audit 2026-11-21", Vocabulary(("2026-11-21",), ())) == Audit(None, "2026-11-21")


def test_a_service_named_like_a_deploy_is_itself() -> None:
    assert parse("audit d12 D-12", Vocabulary(("d12",), ())) == Audit(None, "d12", deploy=12)


def test_people_keep_their_ids_only_where_they_are_looked_for() -> None:
    assert parsed("reject D-12 ask <@U0ALICE001|alice>") == OfDeploy("reject", 12, "ask @alice")
    assert undo("<@U0ALICE001|alice> &amp; <#C0PROD0001|production>", people=True) == "@U0ALICE001 & #production"


def test_an_unknown_service_with_a_version_is_a_request_that_the_rules_refuse() -> None:
    assert parsed("chekout v1 to staging") == Request("chekout", "v1", "staging")


def test_every_word_of_the_grammar_is_reserved_and_every_reserved_one_is_known() -> None:
    assert set(grammar.VERBS) | grammar.LATER == RESERVED


def test_a_service_is_itself_even_where_it_is_named_like_a_number() -> None:
    assert parse("status d12", Vocabulary(("d12",), ())) == Status("d12")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("<http://web.prod|web.prod>", "web.prod"),
        ("<https://git.example/x>", "https://git.example/x"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<@U0ALICE001|alice> <@U0BOB00001>", "@alice @U0BOB00001"),
        ("<#C0PROD0001|production> <!subteam^S0SRE00001|@sre> <!here>", "#production @sre @here"),
        ("a &amp;amp; b &lt;c&gt;", "a &amp; b <c>"),
        ("v1\u200b.4\u202e.2\ufeff", "v1.4.2"),
        ("a\u00a0b", "a\u00a0b"),
    ],
)
def test_what_keyboards_and_clients_did_is_undone(typed: str, meant: str) -> None:
    assert undo(typed) == meant


def test_non_breaking_spaces_part_words() -> None:
    assert parsed("checkout\u00a0v1.4.2\u2003to\u00a0staging") == Request("checkout", "v1.4.2", "staging")


pieces = st.sampled_from(
    ["checkout", "status", "approve", "D-12", "to", "in", "with", "because", "=", "a=1", '"', "“", "’", "<", ">", "|",
     "history", "audit", "digest", "preview", "by", "today", "2026-11-21", "<@U0ALICE001|alice>",
     "&amp;", "\u200b", "\u00a0", "—", "–", "\n", " ", "help", "promote", "😱", "\x00", "x" * 300]
)  # fmt: skip


@given(st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=30), st.sampled_from(["", " "]))
def test_any_text_is_a_command_or_a_refusal(parts: list[str], glue: str) -> None:
    answer = parsed(glue.join(parts))

    assert isinstance(answer, Command | Refused)
    if isinstance(answer, Refused):
        assert all(reason.text and len(reason.text) < 2000 for reason in answer.reasons)


names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True).filter(lambda name: name not in RESERVED | {"to", "in"})
reasons = (
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1).map(lambda text: undo(text).strip()).filter(bool)
)


@given(names, st.from_regex(r"v[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True), names, st.integers(-(10**9), 10**9))
def test_a_well_formed_request_reads_back(service: str, version: str, environment: str, count: int) -> None:
    words = Vocabulary((service,), (environment,))
    text = f"{service} {version} to {environment} with count={count} because of {count}"

    assert parse(text, words) == Request(service, version, environment, {"count": count}, f"of {count}")
