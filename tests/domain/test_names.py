from __future__ import annotations

import pytest

from bot.domain.names import did_you_mean, named, nearest, unknown_name

ENVIRONMENTS = ("staging", "production", "prod-eu")


@pytest.mark.parametrize(
    ("word", "known", "is_"),
    [
        ("checkout", ("checkout",), "checkout"),
        ("CheckOut", ("mailer", "checkout"), "checkout"),
        ("checkout", ("Checkout", "checkout"), "checkout"),
        ("CHECKOUT", ("Checkout", "checkout"), None),
        ("prod", ("production",), None),
        ("", ("checkout",), None),
    ],
)
def test_a_name_is_found_in_any_case_if_only_one_is_meant(word: str, known: tuple[str, ...], is_: str | None) -> None:
    assert named(word, known) == is_


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("prod", ("production", "prod-eu")),
        ("PROD", ("production", "prod-eu")),
        ("prodution", ("production",)),
        ("prd", ("production", "prod-eu")),
        ("stg", ("staging",)),
        ("Staginng", ("staging",)),
        ("stagnig", ("staging",)),
        ("p", ()),
        ("", ()),
        ("ion", ()),
        ("lab", ()),
    ],
)
def test_what_is_cut_short_or_mistyped_is_near(word: str, near: tuple[str, ...]) -> None:
    assert nearest(word, ENVIRONMENTS) == near


def test_at_most_three_are_suggested() -> None:
    assert nearest("we", ("web-a", "web-b", "web-c", "web-d")) == ("web-a", "web-b", "web-c")
    assert did_you_mean("we", ("web-a", "web-b", "web-c")) == "Did you mean `web-a`, `web-b` or `web-c`?"


def test_names_that_differ_in_case_alone_are_both_suggested() -> None:
    assert did_you_mean("CHECKOUT", ("Checkout", "checkout")) == "Did you mean `Checkout` or `checkout`?"
    assert nearest("CHEKOUT", ("Checkout", "checkout")) == ("Checkout", "checkout")


def test_an_unknown_name_in_a_sentence() -> None:
    assert unknown_name("environment", "prod", ("staging", "production")) == (
        "There is no environment `prod`. Did you mean `production`? The catalog has staging, production."
    )
    assert unknown_name("service", "x" * 100, ()) == f"There is no service `{'x' * 80}`. The catalog has none."
