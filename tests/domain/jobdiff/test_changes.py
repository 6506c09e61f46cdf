"""The change list: every difference between two jobs, by danger, redacted."""

from __future__ import annotations

import copy
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.deploy.plan import Change, Flag
from bot.domain.jobdiff.changes import by_danger, change_list, reason, requested
from bot.domain.jobdiff.redaction import Redactor
from bot.domain.jobdiff.text import lines, whole
from tests.builders import a_job, a_live_job

REDACTOR = Redactor(frozenset({"LOG_LEVEL"}))


def with_task(job=None, **fields):
    result = copy.deepcopy(job or a_job())
    result["TaskGroups"][0]["Tasks"][0] |= fields
    return result


def with_group(job=None, **fields):
    result = copy.deepcopy(job or a_job())
    result["TaskGroups"][0] |= fields
    return result


def listed(before, after, **options):
    return change_list(before, after, REDACTOR, **options)


def only(before, after, **options):
    found = listed(before, after, **options)
    assert len(found) == 1, found
    return found[0]


def test_the_same_job_has_no_changes():
    assert listed(a_job(), a_job()) == ()
    assert listed(a_job(Meta=None, Constraints=[]), a_job()) == ()


def test_fields_of_the_server_are_left_out_but_a_stop_is_not():
    assert listed(a_live_job(3), a_live_job(9, Stable=False, SubmitTime=5, NomadTokenID="x")) == ()
    change = only(a_live_job(Stop=True), a_live_job(Stop=False))
    assert (change.path, change.old, change.new) == (("stop",), "true", "false")


def test_an_image_is_its_repository_and_the_tags():
    change = only(a_job("registry.example/checkout:v1"), a_job("registry.example/checkout:v2"))
    assert change.path == ("group web", "task app", "image registry.example/checkout")
    assert (change.kind, change.old, change.new, change.flags) == ("Edited", "v1", "v2", ())
    other = only(a_job("a.example/checkout:v1"), a_job("b.example/checkout:v1"))
    assert (other.path[-1], other.old, other.new) == ("image", "a.example/checkout:v1", "b.example/checkout:v1")


def test_env_values_are_hidden_but_those_that_are_shown():
    before = with_task(Env={"DB_PASSWORD": "one", "LOG_LEVEL": "info"})
    hidden, shown = listed(before, with_task(Env={"DB_PASSWORD": "two", "LOG_LEVEL": "debug"}))
    assert (hidden.path[-1], hidden.old, hidden.new, hidden.hidden) == ("env DB_PASSWORD", "", "", True)
    assert (shown.old, shown.new, shown.hidden) == ("info", "debug", False)


def test_in_the_authors_own_maps_an_empty_value_is_a_value():
    assert only(a_job(), with_task(Env={"EMPTY": ""})).path[-1] == "env EMPTY"
    before = with_task(Config={"image": "a:v1"})
    empty: tuple[Any, ...] = ("", False, 0, [], {}, None)
    for value in empty:
        assert only(before, with_task(Config={"image": "a:v1", "extra": value})).path[-1] == "extra", value
    assert only(with_task(Config={"tty": 1}), with_task(Config={"tty": True})).path[-1] == "tty"


def test_unknown_fields_are_shown_wherever_they_are():
    for before, after in (
        (a_job(), a_job(Unheard={"of": {"deep": 1}})),
        (a_job(), with_group(Unheard=[{"Name": "x", "Value": "y"}])),
        (with_task(Unheard=["a"]), with_task(Unheard=["b"])),
        (with_task(Unheard="text"), with_task(Unheard={"now": "a map"})),
        (a_job(Constraints=[{"LTarget": "a", "Unheard": 1}]), a_job(Constraints=[{"LTarget": "a", "Unheard": 2}])),
    ):
        assert listed(before, after)


def test_a_list_of_the_drivers_settings_is_aligned():
    before, after = (with_task(Config={"args": args}) for args in (["a", "b", "c"], ["x", "a", "b", "c"]))
    assert [(each.path[-1], each.kind) for each in listed(before, after)] == [("args[0]", "Added")]
    mounts = [{"type": "tmpfs", "target": "/a"}], [{"type": "tmpfs", "target": "/b"}]
    before, after = (with_task(Config={"mount": mount}) for mount in mounts)
    assert only(before, after).path[-1] == "mount[0] target"


class TestLists:
    """Elements are found by their names or keys."""

    def test_two_unnamed_checks_of_one_kind_are_two(self):
        def checks(first, second):
            return with_group(
                Services=[{"Name": "s", "Checks": [{"Type": "tcp", "Interval": each} for each in (first, second)]}]
            )

        assert only(checks(1, 2), checks(5, 2)).path == ("group web", "service s", "check 1", "interval")
        assert only(checks(1, 2), checks(1, 5)).path == ("group web", "service s", "check 2", "interval")
        before = checks(1, 2)
        after = copy.deepcopy(before)
        del after["TaskGroups"][0]["Services"][0]["Checks"][0]
        assert Flag.REMOVED in listed(before, after)[0].flags

    def test_two_services_with_one_check_name_stay_apart(self):
        def services(path):
            check = {"Name": "alive", "Type": "http"}
            ports = [("http", "/"), ("admin", path)]
            return with_group(
                Services=[{"Name": "s", "PortLabel": port, "Checks": [check | {"Path": at}]} for port, at in ports]
            )

        assert only(services("/a"), services("/b")).path == ("group web", "service s 2", "check alive", "path")

    @pytest.mark.parametrize(
        ("field", "element", "name", "other"),
        [
            ("Templates", {"DestPath": "a"}, "Perms", {"DestPath": "b"}),
            ("Artifacts", {"GetterSource": "http://a.example/a"}, "Chown", {"GetterSource": "http://b.example/b"}),
            ("VolumeMounts", {"Volume": "v", "Destination": "/a"}, "ReadOnly", {"Volume": "v", "Destination": "/b"}),
            ("Services", {"Name": "a"}, "Kind", {"Name": "b"}),
            ("Identities", {"Name": "a"}, "TTL", {"Name": "b"}),
        ],
    )
    def test_an_element_is_found_at_another_place(self, field, element, name, other):
        before = with_task(**{field: [element, other]})
        found = listed(before, with_task(**{field: [other, element | {name: "x"}]}))
        assert len(found) == 2
        assert [each.path[-1].split()[0] for each in found if not each.path[-1].startswith("order of")] == [
            {"TTL": "ttl"}.get(name, name.casefold() if name != "ReadOnly" else "read_only")
        ]
        assert any(each.path[-1].startswith("order of") for each in found)

    def test_a_constraint_with_another_value_is_another_constraint(self):
        rule = {"LTarget": "${node.class}", "Operand": "=", "RTarget": "big"}
        gone, came = listed(a_job(Constraints=[rule]), a_job(Constraints=[rule | {"RTarget": "small"}]))
        assert (gone.kind, gone.old, gone.flags) == ("Deleted", "${node.class} = big", (Flag.REMOVED,))
        assert (came.kind, came.new, came.flags) == ("Added", "${node.class} = small", ())

    def test_another_group_or_task_is_no_renamed_one(self):
        other = with_group(Name="api")
        gone, *_ = listed(a_job(), other)
        assert (gone.path, gone.kind, gone.flags) == (("group web",), "Deleted", (Flag.REMOVED,))
        assert any(each.path == ("group api",) and each.kind == "Added" for each in listed(a_job(), other))

    def test_a_list_without_names_goes_by_position(self):
        def networks(*modes):
            return with_group(Networks=[{"Mode": mode} for mode in modes])

        change = only(networks("a", "b"), networks("a", "c"))
        assert (change.path, change.old, change.new) == (("group web", "network 2", "mode"), "b", "c")

    def test_volumes_are_found_by_label(self):
        before = with_group(Volumes={"data": {"Type": "csi", "Source": "a"}})
        after = with_group(Volumes={"data": {"Type": "csi", "Source": "b"}})
        assert only(before, after).path == ("group web", "volume data", "source")


def test_what_nomad_copies_is_named_once_by_its_cause():
    def job(parallel, *groups):
        update = {"MaxParallel": parallel}
        return a_job(Update=update, TaskGroups=[{"Name": each, "Update": dict(update)} for each in groups])

    assert only(job(1, "a", "b"), job(2, "a", "b")).path == ("update", "max_parallel")
    alone = job(1, "a", "b")
    alone["TaskGroups"][1]["Update"]["MaxParallel"] = 2
    assert only(job(1, "a", "b"), alone).path == ("group b", "update", "max_parallel")
    restart = {"Attempts": 2}, {"Attempts": 4}
    before, after = (with_task(with_group(RestartPolicy=each), RestartPolicy=dict(each)) for each in restart)
    assert only(before, after).path == ("group web", "restart", "attempts")
    assert only(with_task(RestartPolicy=restart[0]), with_task(RestartPolicy=restart[1])).path == (
        "group web", "task app", "restart", "attempts",
    )  # fmt: skip


def test_a_new_job_lists_what_it_sets_the_telling_ones_first():
    names = [change.path[-1] for change in listed(None, a_job("a:v1"))]
    assert names[:3] == ["group web", "image", "count"] or names[:2] == ["image", "count"]
    folded = listed(None, a_job("a:v1", Priority=50), fold=lambda name, part: {"Priority": part["Priority"]})
    assert [change.path for change in folded] == [("priority",)]


def test_an_added_part_is_named_and_leaves_its_defaults_out():
    service = {"Name": "s", "Provider": "consul", "PortLabel": "http"}
    seen = []

    def fold(name, part):
        seen.append(name)
        return {key: value for key, value in part.items() if value != "consul"}

    found = listed(a_job(), with_group(Services=[service]), fold=fold)
    assert [each.path[1:] for each in found] == [("service s",), ("service s", "name"), ("service s", "port")]
    assert seen == ["Services"]
    vault = listed(a_job(), with_task(Vault={"Env": None}))
    assert [each.path[-1] for each in vault] == ["vault"]
    assert [each.path[-1] for each in listed(a_job(), with_group(Unheard={"Of": None}))] == ["unheard"]


def test_nomads_annotation_is_beside_the_change():
    effects = {("group web", "task app"): "forces create/destroy update", ("group web", "count"): "forces create"}
    count, env = listed(a_job(), with_group(with_task(Env={"A": "1"}), Count=3), effects=effects)
    assert (count.effect, env.effect) == ("forces create", "forces create/destroy update")


class TestTexts:
    """Templates and scripts are line diffs."""

    def test_a_hidden_template_shows_its_keys_and_masks_its_values(self):
        def template(text):
            return with_task(Templates=[{"DestPath": "a.conf", "EmbeddedTmpl": text}])

        old = 'port = 80\npassword = "hunter2"\nsame = 1\n[section]\n'
        new = 'port = 81\npassword = "hunter3"\nsame = 1\nuser: {{ with secret "db/x" }}{{ .Data.user }}{{ end }}\n'
        change = only(template(old), template(new))
        assert (change.old, change.new, change.hidden) == ("", "", True)
        assert change.diff == (
            "~port = •••",
            "~password = •••",
            "-[section]",
            '+user: {{ with secret "db/x" }}{{ .Data.user }}{{ end }}',
        )
        shown = change_list(template(old), template(new), Redactor(frozenset({"templates"})))[0]
        assert shown.diff[:2] == ("-port = 80", "+port = 81")
        assert not shown.hidden

    def test_a_script_shows_its_commands(self):
        def script(text):
            return with_task(Config={"args": ["-c", text]})

        change = only(script("set -e\nreport --key hunter2\n"), script("set -e\nreport --key hunter3\nrm -rf /srv\n"))
        assert change.path[-1] == "args[1]"
        assert change.diff == ("~report •••", "+rm •••")
        shown = change_list(script("a\nb"), script("a\nc"), Redactor(frozenset({"args"})))[0]
        assert shown.diff == ("-b", "+c")


class TestOutside:
    """Changes that undo one made outside Nomatron."""

    def test_each_line_names_the_version(self):
        ours = a_job("registry.example/checkout:v1.4.1")
        second = with_task(ours, Env={"HOTFIX": "1"})
        third = with_group(second, Count=5)
        found = listed(third, a_job(), outside=[(1, ours), (2, second), (3, third)])
        said = {each.path[-1]: (each.outside, reason(each)) for each in found if each.flags}
        assert said == {
            "env HOTFIX": (2, "env removed (added outside Nomatron, version 2)"),
            "count": (3, "count lowered (changed outside Nomatron, version 3)"),
        }

    def test_what_stays_as_it_was_made_outside_is_no_change(self):
        ours, outside = a_job(), with_task(Env={"HOTFIX": "1"})
        assert listed(outside, outside, outside=[(1, ours), (2, outside)]) == ()

    def test_what_was_removed_outside_comes_back(self):
        ours, outside = with_task(Env={"A": "1"}), a_job()
        change = only(outside, ours, outside=[(1, ours), (2, outside)])
        assert reason(change) == "env added (removed outside Nomatron, version 2)"


def test_settings_are_lines_of_their_own():
    (setting,) = requested({"count": "3"})
    older = Change(path=("version",), kind="Edited", old="v1.4.2", new="v1.4.1", flags=(Flag.OLDER_VERSION,))
    assert reason(older) == "older version than the one that runs"
    assert (setting.path, setting.new, reason(setting)) == (("setting count",), "3", "set by the requester")
    assert requested({}) == ()
    plain = Change(path=("a",), kind="Edited", old="", new="")
    assert by_danger([plain, setting, older]) == (older, setting, plain)
    assert not reason(plain)


def test_flagged_changes_come_first_by_danger():
    before = a_job(Priority=50)
    after = with_task(with_group(a_job("registry.example/checkout:v2", Priority=70), Count=0), Driver="raw_exec")
    names = [change.path[-1] for change in listed(before, after)]
    assert names == ["count", "driver", "priority", "image registry.example/checkout"]


class TestBadInput:
    """Large and strange jobs."""

    def test_six_hundred_changes_are_all_in_the_whole_text(self):
        before, after = (with_task(Env={f"KEY_{n}": value for n in range(600)}) for value in ("a", "b"))
        found = listed(before, after)
        assert len(found) == 600
        said = whole(found)
        assert all(f"env KEY_{number}:" in said for number in range(600))
        assert lines(found)[-1].endswith("more, none of them flagged")

    def test_sixty_groups_with_a_large_template_each(self):
        def job(value):
            text = "\n".join(f"key{n} = {value if n == 7_000 else n}" for n in range(14_000))
            task = {"Name": "t", "Templates": [{"DestPath": "a", "EmbeddedTmpl": text}]}
            return a_job(TaskGroups=[{"Name": f"g{n}", "Count": 1, "Tasks": [task]} for n in range(60)])

        assert len(str(job("x"))) > 60 * 200_000
        found = listed(job("one"), job("two"))
        assert len(found) == 60
        assert {each.diff for each in found} == {("~key7000 = •••",)}

    def test_a_template_of_which_every_line_changed(self):
        def job(value):
            text = "\n".join(f"key{n} = {value}" for n in range(14_000))
            return with_task(Templates=[{"DestPath": "a", "EmbeddedTmpl": text}])

        assert len(only(job("one"), job("two")).diff) == 14_000

    def test_names_and_values_of_any_script_and_length(self):
        before = with_task(Env={"LOG_LEVEL": "x" * 10_000, "שלום": "1", "\u202egnp": "1"})
        after = with_task(Env={"LOG_LEVEL": "x" * 9_999 + "y", "שלום": "2", "\u202egnp": "2"})
        said = whole(listed(before, after))
        assert "x" * 9_999 + "y" in said
        assert "\\u202egnp" in said
        assert "שלום" in said


secrets = st.text(string.ascii_letters + string.digits, min_size=8, max_size=40).map(lambda text: f"zq{text}")
names = st.text("abcdefgmnortuvABCDEFGMNORTUV_[]0", min_size=1, max_size=12)
objects = st.recursive(
    secrets, lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=6
)


@given(st.dictionaries(names.map(lambda name: f"New{name}"), objects, max_size=4))
def test_what_nobody_knows_yet_is_hidden(unknown):
    for change in listed(a_job(), with_task(**unknown)):
        assert "zq" not in str((change.old, change.new, change.diff))
        assert "zq" not in " ".join(change.path)


def test_an_unset_field_of_a_constraint_is_no_change():
    assert listed(a_job(Constraints=[{"LTarget": "a"}]), a_job(Constraints=[{"LTarget": "a", "Unheard": None}])) == ()
