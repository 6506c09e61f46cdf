"""What moved between two plans."""

from __future__ import annotations

from bot.domain.jobdiff.compare import LARGEST, differences, moved
from bot.domain.jobdiff.redaction import Redactor
from tests.builders import a_job, a_live_job

REDACTOR = Redactor(frozenset({"LOG_LEVEL"}))


def with_env(job, **env):
    job["TaskGroups"][0]["Tasks"][0]["Env"] = env
    return job


def between(old_live, new_live, old=None, new=None):
    return moved(old_live, new_live, old or a_job(), new or a_job(), REDACTOR)


def test_nothing_moved():
    assert between(a_live_job(), a_live_job()) == ()
    assert between(None, None) == ()


def test_an_env_value_outside_is_shown_or_only_named():
    said = between(
        with_env(a_live_job(3), LOG_LEVEL="info", DB_PASSWORD="one"),
        with_env(a_live_job(4), LOG_LEVEL="debug", DB_PASSWORD="two"),
    )
    assert said == (
        "group web task app env LOG_LEVEL changed outside Nomatron: info → debug",
        "group web task app env DB_PASSWORD changed outside Nomatron",
    )


def test_what_came_and_went():
    said = between(with_env(a_live_job(), LOG_LEVEL="info"), a_live_job())
    assert said == ("group web task app env LOG_LEVEL removed outside Nomatron: info",)
    said = between(a_live_job(), with_env(a_live_job(), OTHER="x"))
    assert said == ("group web task app env OTHER added outside Nomatron",)


def test_what_would_be_registered():
    said = between(None, None, a_job("checkout:v1"), a_job("checkout:v2"))
    assert said == ("group web task app image checkout changed in the job to register: v1 → v2",)


def test_our_own_deploy_is_never_called_outside():
    old, new = with_env(a_live_job(3), LOG_LEVEL="info"), with_env(a_live_job(4), LOG_LEVEL="debug")
    said = moved(old, new, a_job(), a_job(), REDACTOR, "by D-12")
    assert said == ("group web task app env LOG_LEVEL changed by D-12: info → debug",)


def test_scaled_counts_and_nomads_own_fields_move_nothing():
    def scaled(count):
        job = a_live_job(ModifyIndex=count)
        job["TaskGroups"][0] |= {"Count": count, "Scaling": {"Max": 9}}
        return job

    assert moved(scaled(2), scaled(5), scaled(2), scaled(5), REDACTOR) == ()


def test_what_nomad_fills_in_with_nothing_moves_nothing():
    assert between(a_live_job(), a_live_job(Meta=None, Constraints=[], Payload="")) == ()


def test_nested_parts_have_names():
    def with_parts(path, port, arg):
        job = a_live_job()
        group = job["TaskGroups"][0]
        group["Services"] = [{"Name": "checkout", "Checks": [{"Name": "alive", "Path": path}, {"Path": path}]}]
        group["Networks"] = [{"DynamicPorts": [{"Label": "http", "To": port}]}]
        group["Update"] = {"MinHealthyTime": port * 1_000_000_000}
        group["Tasks"][0]["Config"] |= {"args": [arg], "auth": {"password": arg}, "labels": [{"a": arg}]}
        return job

    assert between(with_parts("/", 80, "one"), with_parts("/health", 81, "two")) == (
        "group web task app args[0] changed outside Nomatron",
        "group web task app auth password changed outside Nomatron",
        "group web task app labels[0] a changed outside Nomatron",
        "group web service checkout check alive path changed outside Nomatron: / → /health",
        "group web service checkout check 2 path changed outside Nomatron: / → /health",
        "group web network 1 dynamic port http to changed outside Nomatron: 80 → 81",
        "group web update min_healthy_time changed outside Nomatron: 1m20s → 1m21s",
    )


def test_many_are_counted_and_long_ones_cut():
    many = {f"KEY_{number}": "x" for number in range(30)}
    said = between(a_live_job(), with_env(a_live_job(), **many))
    assert len(said) == LARGEST + 1
    assert said[-1] == f"and {30 - LARGEST} more"
    said = between(a_live_job(), with_env(a_live_job(), LOG_LEVEL="word " * 100))
    assert said[0].endswith("…")


class TestDifferences:
    """What one environment's job says otherwise than another's."""

    def test_what_is_about_the_environment_itself_is_no_difference(self):
        staging = a_job(ID="checkout-staging", Name="checkout-staging", Namespace="staging", Region="eu")

        assert differences(staging, a_job(Namespace="apps", Datacenters=["dc2"]), REDACTOR) == ()

    def test_a_count_is_said_in_words(self):
        more = a_job()
        more["TaskGroups"][0]["Count"] = 6

        assert differences(a_job(), more, REDACTOR) == ("group web count 2 → 6",)

    def test_counts_of_groups_that_scale_themselves_say_nothing(self):
        more = a_job()
        more["TaskGroups"][0] |= {"Count": 6, "Scaling": {"Enabled": True, "Min": 1, "Max": 9}}
        less = a_job()
        less["TaskGroups"][0] |= {"Count": 2, "Scaling": {"Enabled": True, "Min": 1, "Max": 9}}

        assert differences(less, more, REDACTOR) == ()

    def test_values_are_shown_or_only_told_to_differ(self):
        said = differences(
            with_env(a_job(), LOG_LEVEL="debug", DB_PASSWORD="one", GONE="x"),
            with_env(a_job(), LOG_LEVEL="warn", DB_PASSWORD="two"),
            REDACTOR,
        )

        assert said == (
            "group web task app env LOG_LEVEL debug → warn",
            "group web task app env DB_PASSWORD differs",
            "group web task app env GONE removed",
        )

    def test_what_only_one_has_is_named_with_its_value(self):
        shown = with_env(a_job(), LOG_LEVEL="debug")

        assert differences(a_job(), shown, REDACTOR) == ("group web task app env LOG_LEVEL added: debug",)

    def test_too_many_are_counted(self):
        many = with_env(a_job(), **{f"NAME{number}": "x" for number in range(LARGEST + 3)})

        assert differences(a_job(), many, REDACTOR)[-1] == "and 3 more"
