"""The tables of Nomad's job, and JSON read by them."""

from __future__ import annotations

import pytest

from jobspec.job.fields import BLOCKS, MalformedJobError, fill_fields, unset


def test_every_nested_block_has_a_table():
    named = {field.block for fields in BLOCKS.values() for field in fields if field.block}
    assert named <= BLOCKS.keys()
    assert BLOCKS.keys() - named == {"Job"}


def test_what_is_unset_is_null_or_zero_as_nomad_has_it():
    task = unset("Task")
    assert (task["Driver"], task["Leader"], task["ShutdownDelay"], task["KillTimeout"]) == ("", False, 0, None)


def test_all_fields_are_there_and_unknown_ones_are_not():
    job = fill_fields("Job", {"ID": "a", "Colour": "red", "TaskGroups": [{"Name": "g"}]})
    assert "Colour" not in job
    assert job["TaskGroups"][0] == unset("TaskGroup") | {"Name": "g"}


def test_keys_may_be_in_any_case():
    job = fill_fields("Job", {"id": "a", "taskgroups": [{"NAME": "g"}]})
    assert (job["ID"], job["TaskGroups"][0]["Name"]) == ("a", "g")


@pytest.mark.parametrize(
    ("job", "text"),
    [
        ({"ID": 5}, "json: cannot unmarshal number into Go struct field Job.ID of type string"),
        ({"Priority": "high"}, "json: cannot unmarshal string into Go struct field Job.Priority of type int"),
        ({"Priority": True}, "json: cannot unmarshal bool into Go struct field Job.Priority of type int"),
        ({"TaskGroups": {}}, "json: cannot unmarshal object into Go struct field Job.TaskGroups of type TaskGroup"),
        ({"Update": []}, "json: cannot unmarshal array into Go struct field Job.Update of type UpdateStrategy"),
    ],
)
def test_values_of_the_wrong_type_are_told_in_go_s_words(job, text):
    with pytest.raises(MalformedJobError) as error:
        fill_fields("Job", job)
    assert str(error.value) == text
