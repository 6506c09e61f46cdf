from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actor import Actor, CiIdentity, Operator, SlackUser, System, actor_from_key, human_behind

IDS = st.from_regex(r"[A-Z0-9]{3,12}", fullmatch=True)
ISSUERS = st.text(min_size=1).filter(lambda text: "|" not in text)
ACTORS = st.one_of(
    st.builds(SlackUser, IDS, IDS),
    st.builds(CiIdentity, ISSUERS, st.text(), st.none() | IDS),
    st.builds(Operator, st.text()),
    st.builds(System, st.text()),
)


@given(ACTORS)
def test_a_key_names_its_actor(actor: Actor):
    assert actor_from_key(actor.key) == actor


@pytest.mark.parametrize(
    ("actor", "key", "human"),
    [
        (SlackUser("T1", "U1"), "slack:T1:U1", "U1"),
        (CiIdentity("github", "repo:shop", "U1"), "ci:github|repo:shop|U1", "U1"),
        (CiIdentity("https://idp", "auth0|7", "U1"), "ci:https://idp|auth0|7|U1", "U1"),
        (CiIdentity("github", "repo:shop"), "ci:github|repo:shop|", None),
        (Operator("root"), "operator:root", None),
        (System("worker"), "system:worker", None),
    ],
)
def test_keys_and_the_person_behind(actor: Actor, key: str, human: str | None):
    assert actor.key == key
    assert human_behind(actor) == human


@pytest.mark.parametrize("key", ["", "root", "person:U1"])
def test_anything_else_is_no_key(key: str):
    with pytest.raises(ValueError, match="not an actor's key"):
        actor_from_key(key)
