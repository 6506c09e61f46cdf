"""Variables as templates declare them, values that do not fit, and the variables that a request may set."""

from __future__ import annotations

import json

import pytest

from bot.domain.catalog.catalog import Catalog
from bot.domain.catalog.variable import Bound, Declaration, Validation
from bot.domain.documents import document_of, record_from
from bot.gateways.catalog import json_schema

CHECKOUT = "services/checkout.yaml"
WEB = "templates/web.nomad.hcl"
FIT = "does not fit the variable of template `web`; write"


def variable(name: str, kind: str, default: str) -> str:
    return f'variable "{name}" {{\n  type = {kind}\n  default = {default}\n}}\n'


ONE_TO_TEN = (Bound(">=", 1), Bound("<=", 10))


def declared(folder, text: str, name: str = "x") -> Declaration:
    folder.add(text, WEB)
    catalog = folder.read().catalog
    assert catalog is not None, folder.errors()
    return catalog.templates["web"].declarations[name]


def test_a_block_is_read_with_its_type_default_description_and_validations(folder):
    text = r"""
    variable "x" {
      type        = object({ a = list(number), b = string })
      description = "A \"quoted\" text,\n\u00e9 $${x}"
      default     = { a = [1, 2.5], "b" = "x" }
      validation {
        condition     = can(regex("^x", var.x.b))
        error_message = "It starts with x."
      }
    }
    """

    assert declared(folder, text) == Declaration(
        type="object({a = list(number), b = string})",
        default={"a": [1, 2.5], "b": "x"},
        description='A "quoted" text,\né ${x}',
        validations=(Validation('can(regex("^x", var.x.b))', "It starts with x."),),
    )


@pytest.mark.parametrize(
    ("default", "read"),
    [
        ("null", None),
        ("-3", -3),
        ("true", True),
        ('""', ""),
        ('"a\\tb"', "a\tb"),
        ('"\\ud800"', "?"),
        ('"\\U0010ffff\\UFFFFFFFF"', "\U0010ffff\U0010ffff"),
        ("<<EOT\nhello\nEOT\n", None),
        ('"${1 + 1}"', None),
        ('[1, upper("x")]', None),
        ("9007199254740993", None),
        ('{ "é" = 1 }', None),
        ('{ "$float" = 1 }', None),
        ("1 + 1", None),
    ],
)
def test_a_default_is_read_if_it_is_a_plain_value_that_can_be_stored(folder, default: str, read):
    folder.add(f'variable "x" {{\n  default = {default}\n}}\n', WEB)
    catalog = folder.read().catalog

    assert catalog.templates["web"].declarations["x"].default == read
    assert len(catalog.fingerprint) == 64
    assert record_from(Catalog, json.loads(json.dumps(document_of(catalog)))) == catalog


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("var.x >= 1 && var.x <= 10", {"bounds": ONE_TO_TEN}),
        ("1 <= var.x && 10 >= var.x", {"bounds": ONE_TO_TEN}),
        ("(var.x >= 1) && (var.x <= 10 && floor(var.x) == var.x)", {"bounds": ONE_TO_TEN, "whole": True}),
        ("var.x > 0.5 && var.x < -1", {"bounds": (Bound(">", 0.5), Bound("<", -1))}),
        ("0.5 < var.x && -1 > var.x", {"bounds": (Bound(">", 0.5), Bound("<", -1))}),
        ("var.x == floor(var.x)", {"whole": True}),
        ("var.x % 1 == 0", {"whole": True}),
        ("contains([1, 2.5,], var.x)", {"choices": (1, 2.5)}),
        ("var.x == 1 || (var.x == 2)", {"choices": (1, 2)}),
        ("var.x == 3", {"choices": (3,)}),
        # what cannot be read is Nomad's to judge, and what can be read beside it still holds
        ("var.x >= 1 && log(var.x, 2) < 5", {"bounds": (Bound(">=", 1),)}),
        ("var.x >= 1 || var.x == -1", {}),
        ("!(var.x >= 1)", {}),
        ("(var.x >= 1) == (var.x >= 2)", {}),
        ("var.xx >= 1 && var.x == var.xx", {}),
        ("contains([1, max(2, 3)], var.x)", {}),
        ('contains(["a"], var.x)', {}),
        ("contains([true], var.x)", {}),
        ('length("a && b") == 6 && var.x < 5', {"bounds": (Bound("<", 5),)}),
    ],
)
def test_a_validation_gives_bounds_and_choices_where_it_can_be_read(folder, condition: str, expected: dict):
    text = f"""
    variable "x" {{
      type = number
      validation {{
        condition     = {condition}
        error_message = "No."
      }}
    }}
    """
    found = declared(folder, text)

    assert len(found.validations) == 1
    assert {name: getattr(found, name) for name in ("bounds", "choices", "whole")} == {
        "bounds": (),
        "choices": (),
        "whole": False,
        **expected,
    }


@pytest.mark.parametrize(
    ("kind", "listed", "choices"),
    [
        ("string", '"a", "b \\"c\\" , d"', ("a", 'b "c" , d')),
        ("string", '"1"', ("1",)),
        ("string", "1", ()),
        ("bool", "true, false", (True, False)),
        ("any", '"a", 1', ("a", 1)),
    ],
)
def test_choices_are_of_the_declared_type(folder, kind: str, listed: str, choices: tuple):
    text = f"""
    variable "x" {{
      type = {kind}
      validation {{
        condition     = contains([{listed}], var.x)
        error_message = "No."
      }}
      validation {{
        condition     = contains([{listed}], var.x)
        error_message = "Again."
      }}
    }}
    """
    assert declared(folder, text).choices == choices


def test_the_job_says_where_a_whole_number_is_needed_and_within_which_bounds(folder):
    scaling = "scaling {\n      min = 2\n      max = var.most\n    }\n"
    folder.change("    count = var.count\n", f"    count = var.count\n    {scaling}", WEB)
    others = "env { count = var.text }\n      resources { memory = var.memory }\n      config { cpu = var.port\n image"
    folder.change("config { image", others, WEB)
    folder.add('variable "most" { default = 9 }\nvariable "text" { type = string }\n', WEB)
    folder.change("variables: {port: 8080}", "variables: {port: 8080, text: x}", CHECKOUT)
    folder.change("staging: {variables: {count: 1}}", "staging: {variables: {count: 2}}", CHECKOUT)
    catalog = folder.read().catalog
    assert catalog is not None, folder.errors()
    found = catalog.templates["web"].declarations

    assert {name for name, each in found.items() if each.whole} == {"count", "memory", "most"}
    assert found["count"].bounds == (Bound(">=", 2),)
    assert found["count"].takes == "a whole number of at least 2"


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (CHECKOUT, "{count: 6}", "{count: three}", f"`count`: 'three' {FIT} a whole number"),
        (CHECKOUT, "{count: 6}", "{count: 1.5}", "`count`: 1.5 does not fit"),
        (CHECKOUT, "variables: {port: 8080}", "variables: {port: 8080, flag: maybe}", "`flag`: 'maybe' does not fit"),
        (CHECKOUT, "variables: {port: 8080}", "variables: {port: 8080, zones: a}", "`zones`: 'a' does not fit"),
        (CHECKOUT, "variables: {port: 8080}", "variables: {port: 8080, name: [a]}", f"`name`: ['a'] {FIT} text"),
        ("nomatron.yaml", "variables: {log_level: warn}", "variables: {flag: 3}", "`flag`: 3 does not fit"),
        ("nomatron.yaml", "variables: {memory: 256}", "variables: {flag: [true]}", "`flag`: [True] does not fit"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_an_error_at_its_line(folder, file: str, old: str, new: str, problem: str):
    folder.add(variable("flag", "bool", "true"), WEB)
    folder.add(variable("zones", "list(string)", "[]"), WEB)
    folder.add(variable("name", "string", '""'), WEB)
    folder.change(old, new, file)

    (issue,) = folder.errors()
    line = next(n for n, text in enumerate(folder.text(file).splitlines(), 1) if new in text)
    assert issue.startswith(f"{file}:{line}: {problem}")


def test_values_that_nomad_converts_fit(folder):
    folder.add(variable("flag", "bool", "null"), WEB)
    folder.add(variable("name", "string", '""'), WEB)
    folder.change("variables: {port: 8080}", 'variables: {port: "8080", flag: "true", name: 3}', CHECKOUT)
    folder.change("{count: 6}", "{count: null}", CHECKOUT)

    assert folder.errors() == []


def test_a_settable_variable_may_have_a_pattern(folder):
    folder.change(
        "settable: [count]", 'settable: [count, {name: log_level, pattern: "^[a-z]+$"}, {name: memory}]', CHECKOUT
    )

    service = folder.read().catalog.services["checkout"]
    assert service.settable == {"count", "log_level", "memory"}
    assert service.patterns == {"log_level": "^[a-z]+$"}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{name: log_level, pattern: '(a+'}", "`pattern`: the pattern '(a+' has a `(` that nothing closes; write"),
        ("{name: log_level, patern: a}", "unknown key `patern` in `log_level`; did you mean `pattern`?"),
        ("{pattern: a}", "`name` is missing"),
        ("{name: level}", "template `web` does not declare a variable `level`"),
        ("{name: image_tag}", "`image_tag` is set twice: it is the `version_variable`"),
        ("count", "`count` is in `settable` twice (first on line 8); keep one"),
        ("{name: count}", "`count` is in `settable` twice"),
        ("7", "`settable`: 7 is no variable's name; write one such as `count`, or {name: count, pattern: ...}"),
        ("{name: number, pattern: a}", "a pattern is for text, and the template declares a number; remove the pattern"),
    ],
)  # fmt: skip
def test_a_settable_entry_that_cannot_be_used_is_an_error(folder, entry: str, problem: str):
    folder.add(variable("number", "number", "1"), WEB)
    folder.change("settable: [count]", f"settable: [count, {entry}]", CHECKOUT)

    assert any(each.startswith(f"{CHECKOUT}:8: {problem}") for each in folder.errors()), folder.errors()


def test_a_settable_secret_is_a_warning_unless_it_is_a_number(folder):
    folder.add('variable "api_key" { default = "" }\n', WEB)
    folder.add(variable("token_limit", "number", "1"), WEB)
    folder.change("settable: [count]", "settable: [count, api_key, token_limit]", CHECKOUT)

    (warning,) = folder.warnings()
    assert warning.startswith(f"{CHECKOUT}:8: `api_key` looks like a secret, so no request can set it; remove it here")


def test_the_schema_for_editors_takes_a_name_or_a_mapping():
    items = json_schema()["$defs"]["ServicePart"]["properties"]["settable"]["items"]

    assert {json.dumps(each) for each in items["anyOf"]} == {
        '{"$ref": "#/$defs/SettablePart"}',
        '{"type": "string"}',
    }


def test_a_catalog_that_an_older_version_stored_has_no_declarations(folder):
    document = document_of(folder.read().catalog)
    document["templates"]["web"].pop("declarations")
    document["services"]["checkout"].pop("patterns")

    stored = record_from(Catalog, document)

    assert stored.templates["web"].declarations == {}
    assert stored.services["checkout"].patterns == {}
