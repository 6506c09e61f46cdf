from __future__ import annotations

from bot import errors
from handlers.outcomes import OUTCOMES, incident, outcome_of, sentence_of


def test_an_outcome_fits_every_surface() -> None:
    for code, outcome in OUTCOMES.items():
        assert 200 <= outcome.status < 600, code
        assert code == "replayed" or outcome.emoji.startswith(":"), code
        assert (outcome.exit == 0) == (outcome.status < 400), code


def test_what_people_are_told_of_trouble() -> None:
    assert "nothing was recorded" in (sentence_of(errors.StoreBusy("x")) or "")
    assert "not known whether" in (sentence_of(errors.AmbiguousCommit("x")) or "")
    assert sentence_of(errors.IllegalTransition("x")) is None
    assert outcome_of("of-no-kind").status == 500
    assert len({incident() for _ in range(20)}) > 1
