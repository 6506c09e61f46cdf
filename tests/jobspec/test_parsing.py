"""From HCL to Nomad's job: what the author may write, and what becomes of it."""

from __future__ import annotations

import json

import pytest

from jobspec import JobspecError, NotSimulated, parse


def job_of(body="", top="", variables=""):
    return parse(f'{top}\njob "shop" {{\n{body}\n}}\n', variables)


def group_of(body="", **rest):
    return job_of(f'group "web" {{\n{body}\n}}', **rest)["TaskGroups"][0]


def task_of(body="", **rest):
    return group_of(f'task "app" {{\n{body}\n}}', **rest)["Tasks"][0]


def config_of(body, **rest):
    return task_of(f"config {{\n{body}\n}}", **rest)["Config"]


def value_of(expression, **rest):
    return config_of(f"x = {expression}", **rest)["x"]


def refusal_of(hcl, variables=""):
    with pytest.raises(JobspecError) as error:
        parse(hcl, variables)
    return str(error.value)


class TestJob:
    def test_its_label_is_its_id_and_name(self):
        job = job_of()
        assert (job["ID"], job["Name"], job["Type"], job["TaskGroups"]) == ("shop", "shop", None, None)

    def test_id_and_name_may_be_arguments(self):
        job = job_of('id = "a"\nname = "b"')
        assert (job["ID"], job["Name"]) == ("a", "b")

    def test_a_task_of_the_job_gets_a_group_of_its_own(self):
        groups = job_of('task "app" {\n driver = "docker"\n}')["TaskGroups"]
        assert [(each["Name"], each["Tasks"][0]["Driver"]) for each in groups] == [("app", "docker")]

    def test_vault_of_job_and_group_reach_the_tasks_without_one(self):
        tasks = 'task "a" {}\ntask "b" {\nvault {\nrole = "own"\n}\n}'
        job = job_of(
            f'vault {{\nrole = "job"\n}}\ngroup "g" {{\n{tasks}\n}}\ngroup "h" {{\nvault {{}}\ntask "c" {{}}\n}}'
        )
        roles = [task["Vault"]["Role"] for group in job["TaskGroups"] for task in group["Tasks"]]
        assert roles == ["job", "own", ""]

    def test_periodic_is_cron(self):
        assert job_of('periodic {\ncrons = ["@daily"]\n}')["Periodic"]["SpecType"] == "cron"

    def test_meta_may_be_a_block_or_an_argument(self):
        assert job_of("meta {\na = 1\n}")["Meta"] == {"a": "1"}
        assert job_of('meta = {\n"a.b" = true\n}')["Meta"] == {"a.b": "true"}

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ('attribute = "${attr.kernel.name}"\nvalue = "linux"', ("${attr.kernel.name}", "=", "linux")),
            ('attribute = "a"\nregexp = "[a-z]"', ("a", "regexp", "[a-z]")),
            ("distinct_hosts = true", ("", "distinct_hosts", "true")),
            ('distinct_property = "${meta.rack}"\nvalue = "2"', ("${meta.rack}", "distinct_property", "2")),
            ('attribute = "a"\nset_contains = "b"\noperator = "!="', ("a", "set_contains", "b")),
        ],
    )
    def test_constraints(self, rule, expected):
        got = job_of(f"constraint {{\n{rule}\n}}")["Constraints"][0]
        assert (got["LTarget"], got["Operand"], got["RTarget"]) == expected


class TestGroup:
    def test_ports_with_a_number_are_reserved(self):
        network = group_of('network {\nport "a" {}\nport "b" {\nstatic = 80\nto = 8080\n}\n}')["Networks"][0]
        assert [port["Label"] for port in network["DynamicPorts"]] == ["a"]
        assert [(port["Label"], port["Value"], port["To"]) for port in network["ReservedPorts"]] == [("b", 80, 8080)]

    def test_volumes_are_kept_by_name(self):
        volumes = group_of('volume "data" {\ntype = "host"\nsource = "shared"\n}')["Volumes"]
        assert (volumes["data"]["Name"], volumes["data"]["Source"]) == ("data", "shared")

    def test_scaling_is_horizontal_and_needs_a_maximum(self):
        assert group_of("scaling {\nmax = 3\n}")["Scaling"]["Type"] == "horizontal"
        text = refusal_of('job "a" {\ngroup "g" {\nscaling {\nmin = 1\n}\n}\n}\n')
        assert 'The argument "max" is required' in text

    def test_durations_are_nanoseconds(self):
        update = group_of('update {\nmin_healthy_time = "1m30s"\nstagger = "1.5s"\n}')["Update"]
        assert (update["MinHealthyTime"], update["Stagger"]) == (90_000_000_000, 1_500_000_000)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("1d", 'time: unknown unit "d" in duration "1d"'),
            ("5", 'time: missing unit in duration "5"'),
            ("soon", 'time: invalid duration "soon"'),
        ],
    )
    def test_other_durations_are_refused_as_go_does(self, text, complaint):
        hcl = f'job "a" {{\ngroup "g" {{\nshutdown_delay = "{text}"\n}}\n}}\n'
        assert f"Unsuitable duration value: {complaint}" in refusal_of(hcl)


class TestTask:
    def test_templates_get_their_little_defaults(self):
        template = task_of('template {\ndata = "x"\ndestination = "y"\n}')["Templates"][0]
        assert (template["ChangeMode"], template["Perms"], template["Splay"]) == ("restart", "0644", 5_000_000_000)
        assert template["LeftDelim"] is None

    def test_the_default_identity_is_set_apart(self):
        task = task_of('identity {\nenv = true\n}\nidentity {\nname = "vault"\n}')
        assert task["Identity"]["Env"] is True
        assert [each["Name"] for each in task["Identities"]] == ["vault"]

    def test_vertical_scaling(self):
        policies = task_of('scaling "cpu" {\nmax = 500\n}')["ScalingPolicies"]
        assert [each["Type"] for each in policies] == ["vertical_cpu"]

    def test_env_values_become_texts(self):
        assert task_of("env {\nA = 1\nB = true\nC = 1.10\n}")["Env"] == {"A": "1", "B": "true", "C": "1.1"}

    def test_csi_plugin_is_there_only_when_written(self):
        assert "CSIPluginConfig" not in task_of()
        assert task_of('csi_plugin {\nid = "p"\n}')["CSIPluginConfig"]["ID"] == "p"

    def test_a_required_argument_is_missed(self):
        assert 'The argument "hook" is required' in refusal_of(
            'job "a" {\ngroup "g" {\ntask "t" {\nlifecycle {}\n}\n}\n}\n'
        )


class TestConfig:
    def test_blocks_are_lists_and_labels_are_keys(self):
        body = 'volumes = ["a"]\nmount {\ntype = "bind"\n}\nmount {\ntype = "tmpfs"\n}\nport "http" {\nto = 80\n}'
        assert config_of(body) == {
            "volumes": ["a"],
            "mount": [{"type": "bind"}, {"type": "tmpfs"}],
            "port": [{"http": [{"to": 80}]}],
        }

    def test_an_object_written_out_is_a_list_and_one_from_a_variable_is_not(self):
        variable = 'variable "o" {\ndefault = {\nb = 1\n}\n}'
        config = config_of("a = {\nb = { c = 1 }\n}\nd = var.o", top=variable)
        assert config == {"a": [{"b": {"c": 1}}], "d": {"b": 1}}

    def test_null_vanishes_and_whole_numbers_are_whole(self):
        assert config_of("a = null\nb = 1.0\nc = 1.5\nd = [null]") == {"b": 1, "c": 1.5, "d": [None]}

    def test_a_dynamic_block_in_it_is_not_simulated(self):
        with pytest.raises(NotSimulated, match="dynamic block"):
            config_of('dynamic "mount" {\nfor_each = [1]\ncontent {}\n}')


class TestRuntimeNames:
    @pytest.mark.parametrize(
        "text",
        [
            "${attr.kernel.name}",
            "${NOMAD_PORT_http}",
            '${env["HOME"]}',
            "a-${node.datacenter}-${meta.rack}",
            "${ attr.x }",
        ],
    )
    def test_what_clients_fill_in_stays_as_written(self, text):
        assert value_of(f'"{text}"') == text

    def test_outside_of_a_text_it_is_put_in_braces(self):
        assert value_of("attr.kernel.name") == "${attr.kernel.name}"

    def test_escaped_sequences_are_texts(self):
        assert value_of('"$${x} %%{y} a$b"') == "${x} %{y} a$b"

    def test_shell_defaults_are_a_mistake(self):
        text = refusal_of('job "a" {\nname = "${FOO:-x}"\n}\n')
        assert "Extra characters after interpolation expression" in text


class TestHeredocs:
    def test_lines_are_kept_and_shared_indentation_goes(self):
        assert value_of("<<EOF\n  a\n b\nEOF") == "  a\n b\n"
        assert value_of("<<-EOF\n    a\n\n   b ${attr.x}\n  EOF") == " a\n\nb ${attr.x}\n"

    def test_an_end_marker_may_be_followed_by_blanks(self):
        assert value_of("<<EOF\na\nEOF  \ny = 1") == "a\n"

    def test_backslashes_and_quotes_are_texts(self):
        assert value_of('<<EOF\n"a\\n" {{ key "x" }}\nEOF') == '"a\\n" {{ key "x" }}\n'

    def test_they_may_be_elements(self):
        assert value_of("[<<EOF\na\nEOF\n, 2]") == ["a\n", 2]

    def test_directives_and_trimming(self):
        text = "<<EOF\n%{ for k, v in var.m ~}\n${k}=${v}\n%{ endfor ~}\nend\nEOF"
        top = 'variable "m" {\ntype = map(string)\ndefault = {\nb = "2"\na = "1"\n}\n}'
        assert value_of(text, top=top) == "a=1\nb=2\nend\n"

    def test_one_without_an_end(self):
        assert "Unterminated template string" in refusal_of('job "a" {\nname = <<EOF\nabc\n}\n')


class TestExpressions:
    @pytest.mark.parametrize(
        ("expression", "value"),
        [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("7 / 2", 3.5),
            ("7 % 4", 3),
            ("-3", -3),
            ("1 < 2 && !(2 < 1)", True),
            ('"a" == "a"', True),
            ('1 == "1"', False),
            ('true ? "y" : "n"', "y"),
            ('false ? 1 : "n"', "n"),
            ('true ? 1 : "n"', "1"),
            ("[for v in [1, 2, 3] : v * 2 if v > 1]", [4, 6]),
            ('{ for k, v in { b = 2, a = 1 } : upper(k) => v }["A"]', 1),
            ('{ for v in ["a", "b", "a"] : v => 1... }["a"]', [1, 1]),
            ("[{ n = 1 }, { n = 2 }][*].n", [1, 2]),
            ("[1, 2, 3][1]", 2),
            ('"${1 + 1}"', 2),
            ('"n: ${1 + 1}"', "n: 2"),
            ('"%{ if 1 < 2 }yes%{ else }no%{ endif }"', "yes"),
            ('"a ${~ "b" ~} c"', "abc"),
            ("[\n1,\n# two\n2\n]", [1, 2]),
            ('try(var.nothing, "x")', "x"),
            ("can(1 + 1)", True),
        ],
    )
    def test_values(self, expression, value):
        assert value_of(expression) == value

    @pytest.mark.parametrize(
        ("expression", "complaint"),
        [
            ("var.nothing", 'Unsupported attribute; This object does not have an attribute named "nothing".'),
            ("nothing(1)", 'Call to unknown function; There is no function named "nothing".'),
            ("[1][3]", "Invalid index; The given key does not identify an element in this collection value."),
            ("1 / 0", "Invalid operand; Cannot divide by zero."),
            ('"${[1]}x"', "Invalid template interpolation value"),
            ('1 + "a"', "Invalid operand; Unsuitable value for right operand: a number is required."),
            ("upper()", "Error in function call"),
        ],
    )
    def test_mistakes(self, expression, complaint):
        text = refusal_of(f'job "a" {{\nname = {expression}\n}}\n')
        assert complaint in text
        assert text.startswith("Failed to parse job: input.hcl:2,")

    def test_results_of_different_types_are_not_guessed_at(self):
        with pytest.raises(NotSimulated, match="different types"):
            value_of('true ? [1] : "n"')


class TestDynamic:
    def test_blocks_are_made_from_a_collection(self):
        body = 'dynamic "constraint" {\nfor_each = ["a", "b"]\niterator = it\ncontent {\n'
        body += "attribute = it.value\nvalue = it.key\n}\n}"
        rules = group_of(body)["Constraints"]
        assert [(each["LTarget"], each["RTarget"]) for each in rules] == [("a", "0"), ("b", "1")]

    def test_labels_come_from_expressions(self):
        body = 'dynamic "task" {\nfor_each = { x = "docker" }\nlabels = ["t-${task.key}"]\ncontent {\n'
        body += 'driver = task.value\nconfig {\nimage = "shop:${task.key}"\n}\n}\n}'
        task = group_of(body)["Tasks"][0]
        assert (task["Name"], task["Driver"], task["Config"]) == ("t-x", "docker", {"image": "shop:x"})


class TestVariables:
    def test_json_values_are_taken_as_they_are(self):
        value = 'a${b}"c\n%{d}'
        top = 'variable "v" {\ntype = string\n}'
        assert value_of("var.v", top=top, variables=json.dumps({"v": value})) == value

    def test_var_files_are_hcl(self):
        top = 'variable "v" {}\nvariable "n" {\ntype = number\n}'
        assert config_of("v = var.v\nn = var.n", top=top, variables='v = ["a"]\nn = "7"\n') == {"v": ["a"], "n": 7}

    def test_types_convert(self):
        top = 'variable "v" {\ntype = list(object({ n = string, m = set(number) }))\n}'
        values = json.dumps({"v": [{"n": 1, "m": [2, 1, 2]}]})
        assert value_of("var.v", top=top, variables=values) == [{"n": "1", "m": [1, 2]}]

    def test_locals_need_each_other_in_any_order(self):
        assert (
            value_of("local.a", top='locals {\na = "${local.b}!"\nb = var.c\n}\nvariable "c" {\ndefault = "x"\n}')
            == "x!"
        )

    def test_a_variables_block_gives_defaults(self):
        assert value_of("var.a", top='variables {\na = "x"\n}') == "x"

    @pytest.mark.parametrize(
        ("top", "variables", "complaint"),
        [
            ('variable "a" {}\nvariable "b" {}', "", 'Unset variable "a"'),
            ('variable "a" {\ntype = strin\n}', "", "Invalid type specification"),
            ('variable "a" {\ndefault = upper("x")\n}', "", "Function calls not allowed"),
            ('variable "a" {\ndefault = b.c\n}', "", "Variables not allowed"),
            ('variable "a" {\ntype = number\ndefault = "x"\n}', "", "a number is required"),
            ('variable "a" {\nsensitive = true\n}', "", 'An argument named "sensitive" is not expected here.'),
            ('variable "a" {}\nvariable "a" {}', "{}", "Duplicate a variable definition found."),
            ('variable "a" {}', "a = ", "unable to parse var content: input.hcl:1,"),
            ('variable "a" {}', '{"a": 1', "unable to parse var content: input.hcl:1,8"),
            ('variable "a" {}', 'variable "a" {}\n', "Variable declaration in a .var file"),
            ("locals {\na = local.b\nb = local.a\n}", "", "Unsupported attribute"),
            (
                'variable "a" {\ndefault = 1\nvalidation {\ncondition = var.b\nerror_message = "x"\n}\n}',
                "",
                "can only refer",
            ),
        ],
    )
    def test_mistakes(self, top, variables, complaint):
        assert complaint in refusal_of(f'{top}\njob "shop" {{\n}}\n', variables)


class TestSyntax:
    @pytest.mark.parametrize(
        ("hcl", "complaint"),
        [
            ("a = 1\n", 'input.hcl:1,1-2: Unsupported argument; An argument named "a" is not expected here.'),
            ("", "Job spec is empty"),
            ("# nothing\n", "<nil>: Missing job block; A job block is required"),
            ('job "a" {}\njob "b" {}\n', 'Only one block of type "job" is allowed'),
            ("job {\n}\n", "Missing name for job"),
            ('job "a" {\nname = 1 type = 2\n}\n', "Missing newline after argument"),
            ('job "a" {\nname = 1\nname = 2\n}\n', 'The argument "name" was already set at input.hcl:2,1-5.'),
            ('job "a" { name = "b"\n}\n', "Invalid single-argument block definition"),
            ('job "a"\n{\n}\n', "starting on the same line as the block header"),
            ('job "a" {\nname = "b\n}\n', "Invalid multi-line string"),
            ('job "a${b}" {\n}\n', "Template sequences are not allowed in this string."),
            ('job "a" {\nname = "\\q"\n}\n', "Invalid escape sequence"),
            ('job "a" {\nmeta = { a = 1 b = 2 }\n}\n', "Missing attribute separator"),
            ('job "a" {\nname =\n}\n', "Invalid expression"),
            ('job "a" {\nname = (1\n}\n', "Un"),
            ('job "a" {\ndatacenter = ["x"]\n}\n', 'Did you mean "datacenters"?'),
            ('job "a" {\ngrup "g" {}\n}\n', 'Did you mean "group"?'),
            ('job "a" {\nupdate = {}\n}\n', 'Did you mean to define a block of type "update"?'),
            ('job "a" {\ntype {}\n}\n', 'Did you mean to define argument "type"?'),
            ('job "a" {\nupdate {}\nupdate {}\n}\n', "Only one update block is allowed."),
            ('job "a" {\npriority = 1.5\n}\n', "value must be a whole number"),
            ('job "a" {\ndatacenters = "dc1"\n}\n', "list of string required"),
        ],
    )
    def test_mistakes(self, hcl, complaint):
        assert complaint in refusal_of(hcl)

    def test_comments_are_no_code(self):
        job = parse('/* a\n{ */ job "a" { # b {\n  // c "\n name = "x" /* y */\n}\n')
        assert job["Name"] == "x"

    def test_line_ends_of_windows(self):
        assert parse('job "a" {\r\n  name = "x"\r\n}\r\n')["Name"] == "x"

    def test_a_job_in_json_is_not_simulated(self):
        with pytest.raises(NotSimulated, match="JSON"):
            parse('{"job": {}}')


class TestNulls:
    def test_an_argument_without_a_zero_may_be_null_or_missing(self):
        template = task_of("template {\ndata = null\nwait {}\nchange_script {}\n}")["Templates"][0]
        assert (template["EmbeddedTmpl"], template["Wait"]) == (None, {"Min": None, "Max": None})
        assert template["ChangeScript"]["Command"] is None
        assert task_of("env = null")["Env"] is None

    @pytest.mark.parametrize("body", ["user = null", "env = {\nA = null\n}", "env {\nA = null\n}"])
    def test_what_has_no_null_is_refused(self, body):
        text = refusal_of(f'job "a" {{\ngroup "g" {{\ntask "t" {{\n{body}\n}}\n}}\n}}\n')
        assert "Unsuitable value" in text
