from __future__ import annotations

from bot import errors
from handlers.presentation import PRESENTATIONS, incident, presentation_of, sentence_of


def test_a_presentation_fits_every_surface() -> None:
    for code, shown in PRESENTATIONS.items():
        assert 200 <= shown.status < 600, code
        assert code == "replayed" or shown.emoji.startswith(":"), code
        assert (shown.exit == 0) == (shown.status < 400), code


def test_what_people_are_told_about_a_failure() -> None:
    assert "nothing was recorded" in (sentence_of(errors.StoreBusy("x")) or "")
    assert "may or may not be recorded" in (sentence_of(errors.AmbiguousCommit("x")) or "")
    assert sentence_of(errors.IllegalTransition("x")) is None
    assert presentation_of("of-no-kind").status == 500
    assert len({incident() for _ in range(20)}) > 1
