from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actor import Actor, Operator, SlackUser
from bot.domain.catalog.reserved import VERBS as RESERVED
from bot.domain.decision import Refused
from bot.domain.deploy.dispatch import resolution_from
from bot.domain.deploy.gates import Ask
from bot.domain.digest.schedule import Span, day_of
from bot.domain.locks import Target
from bot.domain.rollback import Rollback
from bot.operations.deploys.promote import Promotion
from bot.operations.deploys.resolve import Resolve
from bot.ports.audit import AuditQuery
from handlers.slack.command.ast import Command, Help, History, OfDeploy, Preview, Status, Whoami
from handlers.slack.command.lexer import Vocabulary, undo
from handlers.slack.command.parser import parse
from handlers.slack.verbs.table import VERBS, WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.catalog.environment import Value

ZONE = ZoneInfo("Europe/Amsterdam")
TODAY = date(2026, 11, 21)
ALICE = SlackUser("T0NOMATRON", "U0ALICE001")


def names(services: tuple[str, ...], environments: tuple[str, ...] = ()) -> Vocabulary:
    return Vocabulary(services, environments, team="T0NOMATRON", zone=ZONE, today=TODAY)


KNOWN = names(("checkout", "mailer"), ("staging", "production"))


def parsed(text: str, known: Vocabulary = KNOWN) -> tuple[str, object]:
    """The verb of a command and what is asked of it."""
    command = parse(text, known, VERBS)
    assert isinstance(command, Command), command
    return command.verb, command.asked


def refused(text: str) -> tuple[str, str]:
    answer = parse(text, KNOWN, VERBS)
    assert isinstance(answer, Refused), answer
    return answer.reasons[0].code, answer.reasons[0].text


def ask(
    service: str,
    version: str,
    environment: str | None = None,
    overrides: Mapping[str, Value] | None = None,
    reason: str | None = None,
) -> tuple[str, Ask]:
    asked = Ask(service=service, version=version, environment=environment, overrides=overrides or {}, reason=reason)
    return "request", asked


def promotion(
    service: str = "",
    deploy_id: int | None = None,
    environment: str | None = None,
    overrides: Mapping[str, Value] | None = None,
    reason: str | None = None,
) -> tuple[str, Promotion]:
    asked = Promotion(
        service=service, deploy_id=deploy_id, environment=environment, overrides=overrides or {}, reason=reason
    )
    return "promote", asked


def rollback(**changes: Any) -> tuple[str, Rollback]:
    fields: dict[str, Any] = {"service": "checkout", "environment": "production", "reason": "5xx"}
    return "rollback", Rollback(**{**fields, **changes})


def audit(
    day: date | None = None,
    service: str | None = None,
    environment: str | None = None,
    actor: Actor | None = None,
    deploy: int | None = None,
) -> tuple[str, AuditQuery]:
    span: Span | None = day_of(day, ZONE) if day else None
    return "audit", AuditQuery(span=span, service=service, environment=environment, actor=actor, deploy=deploy)


COMMANDS = [
    ("checkout v1.4.2", ask("checkout", "v1.4.2")),
    ("checkout v1.4.2 to staging", ask("checkout", "v1.4.2", "staging")),
    ("checkout v1.4.2 in staging", ask("checkout", "v1.4.2", "staging")),
    ("  checkout\tv1.4.2   TO staging ", ask("checkout", "v1.4.2", "staging")),
    (
        "checkout v1.4.2 to production with count=3 debug=true because SHOP-981 to be safe",
        ask("checkout", "v1.4.2", "production", {"count": 3, "debug": True}, "SHOP-981 to be safe"),
    ),
    (
        "checkout v1 with name=“two words” count=007 ratio=1.5 empty= to staging",
        ask("checkout", "v1", "staging", {"name": "two words", "count": "007", "ratio": "1.5", "empty": ""}),
    ),
    ("checkout v1 with a=true b=True c=TRUE", ask("checkout", "v1", None, {"a": True, "b": "True", "c": "TRUE"})),
    ('checkout v1 with count="3"', ask("checkout", "v1", None, {"count": "3"})),
    ("checkout v1 because don’t ask", ask("checkout", "v1", None, {}, "don’t ask")),
    ('"checkout" v1', ask("checkout", "v1")),
    ("checkout v1–rc1 to staging", ask("checkout", "v1-rc1", "staging")),
    ("Checkout V1 to Production", ask("checkout", "V1", "production")),
    ("STATUS Mailer IN Staging", ("status", Status("mailer", None, "staging"))),
    ("promote Checkout to PRODUCTION", promotion("checkout", None, "production")),
    ("History CHECKOUT in Production", ("history", History("checkout", "production"))),
    ("audit MAILER in STAGING", audit(None, "mailer", "staging")),
    ('history "Checkout"', ("history", History("Checkout"))),
    ("checkout v1 to prod", ask("checkout", "v1", "prod")),
    ("help", ("help", Help())),
    ("help nonsense", ("help", Help("nonsense"))),
    ("Help Approve", ("help", Help("Approve"))),
    ("whoami", ("whoami", Whoami())),
    ("status", ("status", Status())),
    ("status checkout", ("status", Status("checkout"))),
    ("status checkout in production", ("status", Status("checkout", None, "production"))),
    ("status in production", ("status", Status(None, None, "production"))),
    ("status d12", ("status", Status(None, 12))),
    ("digest preview", ("digest", Preview())),
    ("Digest Preview Yesterday", ("digest", Preview(date(2026, 11, 20)))),
    ("digest preview 2026–11–21", ("digest", Preview(TODAY))),
    ("history checkout", ("history", History("checkout"))),
    ("history in production checkout", ("history", History("checkout", "production"))),
    ("history “checkout2” in “prod”", ("history", History("checkout2", "prod"))),
    ("history gone in lab", ("history", History("gone", "lab"))),
    ('history "production" in "D-12"', ("history", History("production", "D-12"))),
    ("audit gone", audit(None, "gone")),
    ("audit", audit()),
    ("audit D-12", audit(deploy=12)),
    ("audit d–12", audit(deploy=12)),
    ("audit 12 today", audit(TODAY, deploy=12)),
    ("audit by <@U0ALICE001> d12 in staging", audit(None, None, "staging", ALICE, 12)),
    ('audit "D-12"', audit(None, "D-12")),
    ("audit TODAY", audit(TODAY)),
    ("audit checkout", audit(None, "checkout")),
    (
        "audit 2026-11-21 mailer in staging by <@U0ALICE001|alice>",
        audit(date(2026, 11, 21), "mailer", "staging", ALICE),
    ),
    ("audit by <@U0ALICE001> in staging mailer today", audit(TODAY, "mailer", "staging", ALICE)),
    ("audit by @U0ALICE001", audit(actor=ALICE)),
    ("audit D-12 all", ("audit", AuditQuery(deploy=12, steps=True))),
    ("audit ALL today", ("audit", AuditQuery(span=day_of(TODAY, ZONE), steps=True))),
    ('audit "all"', audit(None, "all")),
    ("audit by operator:root", audit(actor=Operator("root"))),
    ('audit "in" in "2026-11-21"', audit(None, "in", "2026-11-21")),
    ("promote D-12", promotion("", 12)),
    ("rollback checkout because 5xx", rollback(environment=None)),
    ("rollback Checkout in PRODUCTION because 5xx", rollback()),
    ("rollback checkout to D-7 in production because 5xx", rollback(to=7)),
    ("rollback checkout in production to Baseline because 5xx", rollback(to="baseline")),
    ("rollback checkout in production", rollback(reason="")),
    ("promote checkout", promotion("checkout")),
    (
        "promote checkout to production with count=3 because SHOP-981",
        promotion("checkout", None, "production", {"count": 3}, "SHOP-981"),
    ),
    ("plan D-12", ("plan", OfDeploy(12))),
    ("plan D–12", ("plan", OfDeploy(12))),
    ("retract d-12", ("retract", OfDeploy(12))),
    ("withdraw 12", ("withdraw", OfDeploy(12))),
    ("approve D-12 looks good", ("approve", OfDeploy(12, "looks good"))),
    ("approve d–12:2 looks good", ("approve", OfDeploy(12, "looks good", 2))),
    ("approve 12:2", ("approve", OfDeploy(12, "", 2))),
    ("reject D-12:2 not today", ("reject", OfDeploy(12, "not today", 2))),
    ("reject D-0012 not on — a Friday", ("reject", OfDeploy(12, "not on — a Friday"))),
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
    ("checkout v1 with 1x=2", "setting-form", "`1x` isn't a setting. Write `with NAME=VALUE`"),
    ("checkout v1 with a=1 a=2", "setting-twice", "`a` is set twice"),
    ("checkout v1 count=3", "unexpected-word", "Settings come after `with`."),
    ("checkout v1 becuase x", "unexpected-word", "Did you mean `because`?"),
    ("checkout v1 at noon", "not-yet", "at WHEN"),
    ('checkout "v1 to staging', "quote-open", "closing quote"),
    ("stauts", "unknown-word", "Did you mean `status`?"),
    ("aprove D-12", "unknown-word", "Did you mean `approve`?"),
    ("zzz", "unknown-word", "Services: checkout, mailer."),
    (
        "rollback",
        "rollback-form",
        "What should be rolled back? Write `/deploy rollback SERVICE in ENV [to D-n|baseline]",
    ),
    ("rollback checkout in", "rollback-form", "`in` needs a name after it. Write `/deploy rollback SERVICE in ENV"),
    (
        "rollback checkout to v1.4.1 because x",
        "rollback-form",
        "`v1.4.1` isn't a deploy number such as `D-12`, or `bas",
    ),
    (
        "rollback checkout production because 5xx",
        "unexpected-word",
        "`production` doesn't belong there. Write `/deploy",
    ),
    (
        "rollback checkout in staging in staging",
        "rollback-form",
        "`in` is there twice. Write `/deploy rollback",
    ),
    ("roolback checkout", "unknown-word", "Did you mean `rollback`?"),
    (
        "request checkout",
        "unknown-word",
        "Leave out `request`. A request begins with the service: `/deploy SERVICE VERSION to ENV`.",
    ),
    ("promote", "promotion-missing", "/deploy promote SERVICE|D-n [to ENV]"),
    ("promote chekout", "unknown-service", "Did you mean `checkout`?"),
    ("promote D-12 to", "environment-missing", "staging, production"),
    ("promote D-12 v1.4.2", "unexpected-word", "Write `/deploy promote SERVICE|D-n [to ENV]"),
    ("status chekout", "unknown-service", "Did you mean `checkout`?"),
    ("status in prodution", "unknown-environment", "Did you mean `production`?"),
    ("status in prod", "unknown-environment", "Did you mean `production`?"),
    ("status mail", "unknown-service", "Did you mean `mailer`?"),
    ("history chk", "unknown-service", "Did you mean `checkout`?"),
    ("audit in Prod", "unknown-environment", "Did you mean `production`?"),
    ("prom checkout", "unknown-word", "Did you mean `promote`?"),
    ("status in", "environment-missing", "`in` needs an environment after it: staging, production."),
    ("status checkout mailer", "unexpected-word", "`mailer`"),
    ("whoami please", "unexpected-word", "`please`"),
    ("digest", "digest-form", "Write `/deploy digest preview [today|yesterday|DATE]`"),
    ("digest previw", "digest-form", "Did you mean `preview`?"),
    ("digest today", "digest-form", "`today`"),
    ("digest preview yestreday", "day-form", "Did you mean `yesterday`?"),
    ("digest preview 2026-02-30", "day-form", "`2026-02-30` isn't a day."),
    ("digest preview 20261121", "day-form", "such as `2026-11-21`"),
    ("digest preview today please", "unexpected-word", "`please`"),
    ("history", "service-missing", "Services: checkout, mailer."),
    ("history chekout", "unknown-service", "Did you mean `checkout`?"),
    ("history checkout mailer", "unexpected-word", "/deploy history SERVICE [in ENV]"),
    ("history checkout production", "unknown-service", "`production` is an environment. Write `in production`"),
    ("audit staging today", "unknown-service", "`staging` is an environment. Write `in staging`"),
    ("history D-12", "unknown-service", "`/deploy status D-12`; for what happened to it, `/deploy audit D-12`."),
    ("audit D-12 d13", "unexpected-word", "[SERVICE] [D-n] [in ENV]"),
    ("history checkout in", "environment-missing", "staging, production"),
    ("history checkout in prodution", "unknown-environment", "Did you mean `production`?"),
    ("history checkout in staging in staging", "unexpected-word", "/deploy history"),
    ("history " + "x" * 151, "unknown-service", "Services: checkout, mailer"),
    ('history ""', "unknown-service", "/deploy history SERVICE [in ENV]"),
    ("audit 2026-02-30", "day-form", "`2026-02-30` isn't a day."),
    ("audit 21.11.2026", "day-form", "such as `2026-11-21`"),
    ("audit yestreday", "unknown-service", "Did you mean `yesterday`?"),
    ("audit today yesterday", "unexpected-word", "/deploy audit [today|yesterday|DATE]"),
    ("audit by", "person-form", "`by` needs a person after it."),
    ("audit by @alice", "person-form", "from the list that Slack offers after `@`"),
    ("audit by <!subteam^S0SRE00001|@sre>", "person-form", "`@sre`"),
    ("audit by ci:https://ci.example", "person-form", "member ID"),
    ("approve", "deploy-missing", "/deploy approve D-n [TEXT]"),
    (
        "approve soon",
        "deploy-form",
        "`soon` isn't a deploy number such as `D-12`. Write `/deploy approve D-n [TEXT]`.",
    ),
    ("approve D-0", "deploy-form", "`D-0`"),
    ("approve D-1:0", "deploy-form", "`D-1:0`"),
    ("reject D-12:2", "reject-reason", "The reason is missing."),
    ("plan D-12:2", "deploy-form", "`D-12:2`"),
    ("withdraw", "deploy-missing", "/deploy withdraw D-n"),
    ("reject D-12", "reject-reason", "The reason is missing. Write `/deploy reject D-12 TEXT`."),
    ("withdraw D-12 please", "unexpected-word", "`please`"),
]


def closing(word: str, environment: str | None = None, reason: str = "", *, quoted: bool = False, **more: str):
    return Target(word=word, environment=environment, quoted=quoted, reason=reason, **more)


@pytest.mark.parametrize(
    ("text", "verb", "asked"),
    [
        ("lock production because the database moves", "lock", closing("production", reason="the database moves")),
        ("LOCK Production BECAUSE it -- “moves”", "lock", closing("Production", reason="it -- “moves”")),
        (
            "lock checkout in production for 2h because of v1.4.2",
            "lock",
            closing("checkout", "production", "of v1.4.2", lasts="2h"),
        ),
        ("lock checkout for 1d12h in staging because so", "lock", closing("checkout", "staging", "so", lasts="1d12h")),
        ("lock everything because of an incident", "lock", closing("everything", reason="of an incident")),
        ('lock "everything" in staging because x', "lock", closing("everything", "staging", "x", quoted=True)),
        # what is missing or unknown is refused by the operation, which records it
        ("lock production", "lock", closing("production")),
        ("lock prod for never because", "lock", closing("prod", lasts="never")),
        ("unlock checkout in production because fixed", "unlock", closing("checkout", "production", "fixed")),
        ("unlock everything", "unlock", closing("everything")),
    ],
)
def test_what_is_to_be_locked(text: str, verb: str, asked: Target) -> None:
    assert parsed(text) == (verb, asked)


LOCK = "/deploy lock SERVICE|ENV|everything [in ENV] [for 2h] because TEXT"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("lock", "lock-form", f"Write `{LOCK}`. Services: checkout, mailer. Environments: staging, production."),
        ("lock because I say so", "lock-form", "Or `everything`."),
        ("unlock", "lock-form", "/deploy unlock SERVICE|ENV|everything [in ENV] because TEXT"),
        ("lock checkout in", "environment-missing", "`in` needs an environment after it: staging, production."),
        ("lock checkout in because x", "environment-missing", "`in` needs an environment"),
        ("lock production for", "lock-duration", "`for` needs a duration after it, such as `2h`."),
        ("lock production for because x", "lock-duration", "`for` needs a duration"),
        ("lock checkout production because x", "unexpected-word", "Did you mean `in production`?"),
        ("lock production becuase x", "unexpected-word", "Did you mean `because`?"),
        ("lock production until tomorrow because x", "unexpected-word", "Write for how long, such as `for 2h`."),
        ("lock production in staging in staging because x", "unexpected-word", "`in` doesn't belong there."),
        ("unlock production for 2h because x", "unexpected-word", "`for` doesn't belong there."),
        ("lokc production because x", "unknown-word", "Did you mean `lock`?"),
        ("unlok production because x", "unknown-word", "Did you mean `unlock`?"),
    ],
)
def test_what_makes_no_lock_is_refused_in_words(text: str, code: str, says: str) -> None:
    found, sentence = refused(text)

    assert found == code
    assert says in sentence


@pytest.mark.parametrize(("text", "code", "says"), REFUSALS)
def test_refusals_say_what_was_meant_or_what_is_missing(text: str, code: str, says: str) -> None:
    found, sentence = refused(text)

    assert found == code
    assert says in sentence


def test_services_that_differ_in_case_alone_have_to_be_spelt_out() -> None:
    both = names(("Checkout", "checkout"), ("staging",))

    assert parsed("Checkout v1 to staging", both) == ask("Checkout", "v1", "staging")
    assert parsed("checkout v1 to staging", both) == ask("checkout", "v1", "staging")
    assert parsed("CHECKOUT v1 to staging", both) == ask("CHECKOUT", "v1", "staging")


def test_a_service_named_like_a_date_is_itself() -> None:
    assert parsed("audit 2026-11-21", names(("2026-11-21",))) == audit(None, "2026-11-21")


def test_a_service_named_all_is_itself() -> None:
    assert parsed("audit all", names(("all",))) == audit(None, "all")


def test_a_service_named_like_a_deploy_is_itself() -> None:
    assert parsed("audit d12 D-12", names(("d12",))) == audit(None, "d12", deploy=12)


def test_people_keep_their_ids_only_where_they_are_looked_for() -> None:
    assert parsed("reject D-12 ask <@U0ALICE001|alice>") == ("reject", OfDeploy(12, "ask @alice"))
    assert undo("<@U0ALICE001|alice> &amp; <#C0PROD0001|production>", people=True) == "@U0ALICE001 & #production"


def test_an_unknown_service_with_a_version_is_a_request_that_the_rules_refuse() -> None:
    assert parsed("chekout v1 to staging") == ask("chekout", "v1", "staging")


def test_no_service_can_be_named_like_a_verb_and_every_other_name_is_free() -> None:
    assert WORDS == RESERVED


def test_a_service_is_itself_even_where_it_is_named_like_a_number() -> None:
    assert parsed("status d12", names(("d12",))) == ("status", Status("d12"))


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
    assert parsed("checkout\u00a0v1.4.2\u2003to\u00a0staging") == ask("checkout", "v1.4.2", "staging")


@pytest.mark.parametrize("word", ["landed 7", "not-landed", "Succeeded", "failed"])
def test_a_resolution_needs_its_reason(word: str) -> None:
    asked = parsed(f"resolve D-12 {word} because I looked — twice")

    resolution = resolution_from(word.casefold())
    assert resolution is not None
    assert asked == ("resolve", Resolve(12, resolution, "I looked — twice"))
    for end in ("", "because", "I looked"):
        answer = parse(f"resolve D-12 {word} {end}", KNOWN, VERBS)
        assert isinstance(answer, Refused)
        assert answer.codes == ("resolve-reason",)


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "deploy-missing"), ("x", "deploy-form"), ("D-1", "resolution-form"), ("D-1 landed", "resolution-form")],
)
def test_a_resolution_says_what_is_missing(text: str, code: str) -> None:
    answer = parse(f"resolve {text}", KNOWN, VERBS)

    assert isinstance(answer, Refused)
    assert answer.codes == (code,)


pieces = st.sampled_from(
    ["checkout", "status", "approve", "D-12", "to", "in", "with", "because", "=", "a=1", '"', "“", "’", "<", ">", "|",
     "history", "audit", "digest", "preview", "by", "today", "2026-11-21", "<@U0ALICE001|alice>",
     "&amp;", "\u200b", "\u00a0", "—", "–", "\n", " ", "help", "promote", "😱", "\x00", "x" * 300]
)  # fmt: skip


@given(st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=30), st.sampled_from(["", " "]))
def test_any_text_is_a_command_or_a_refusal(parts: list[str], glue: str) -> None:
    answer = parse(glue.join(parts), KNOWN, VERBS)

    assert isinstance(answer, Command | Refused)
    if isinstance(answer, Refused):
        assert all(reason.text and len(reason.text) < 2000 for reason in answer.reasons)


words = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True).filter(lambda name: name not in RESERVED | {"to", "in"})


@given(words, st.from_regex(r"v[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True), words, st.integers(-(10**9), 10**9))
def test_a_well_formed_request_reads_back(service: str, version: str, environment: str, count: int) -> None:
    known = names((service,), (environment,))
    text = f"{service} {version} to {environment} with count={count} because of {count}"

    assert parsed(text, known) == ask(service, version, environment, {"count": count}, f"of {count}")
