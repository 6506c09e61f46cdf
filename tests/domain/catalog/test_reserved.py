from __future__ import annotations

from bot.domain.catalog.reserved import VERBS

SURFACES = """
/deploy status [SERVICE|D-n] [in ENV]     /deploy plan D-n            /deploy explain D-n
/deploy approve D-n [TEXT]                /deploy reject D-n TEXT     /deploy withdraw D-n     /deploy retract D-n
/deploy promote SERVICE|D-n [to ENV]      /deploy rollback SERVICE in ENV [to D-n] because TEXT
/deploy lock SERVICE|ENV [in ENV] [for 2h] because TEXT               /deploy unlock SERVICE|ENV [in ENV] because TEXT
/deploy restart SERVICE in ENV            /deploy scale SERVICE to N in ENV    /deploy stop SERVICE in ENV because TEXT
/deploy run SERVICE in ENV [KEY=VALUE]    /deploy canary promote|fail D-n   /deploy break-glass SERVICE VERSION in ENV
/deploy resolve D-n landed VERSION|not-landed|succeeded|failed because TEXT
/deploy history SERVICE [in ENV]          /deploy who SERVICE [in ENV]     /deploy whoami
/deploy audit [today|yesterday|DATE]      /deploy digest preview           /deploy help [TOPIC]
"""
"""The commands of the design; a service named like the first word of one could never be asked for."""


def test_every_first_word_of_a_command_is_taken():
    first_words = {command.split()[0] for command in SURFACES.split("/deploy ")[1:]}

    assert first_words == VERBS
