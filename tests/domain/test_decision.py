from __future__ import annotations

from bot.domain.decision import Allowed, Reason, Refused, every, refuse

NO, NEVER = refuse("no", "No."), Refused((Reason("never", "Never."), Reason("ever", "Not ever.")))


def test_everything_allowed_is_allowed():
    assert every([]) == Allowed()
    assert every([Allowed(), Allowed()]) == Allowed()


def test_one_refusal_refuses_and_every_reason_is_kept_in_order():
    assert every([Allowed(), NO, Allowed(), NEVER]) == Refused((*NO.reasons, *NEVER.reasons))
    assert Refused((*NEVER.reasons, *NO.reasons)).codes == ("never", "ever", "no")


def test_a_reason_says_who_could_do_it_instead():
    (reason,) = refuse("no", "No.", users=("U1",), groups=("S1",)).reasons

    assert reason == Reason("no", "No.", ("U1",), ("S1",))
