"""By hand a stop only rises and a target only comes nearer."""

import pytest

from domain.plans.protection import ProtectionChange, tightened
from domain.plans.regime_exit_plan import StopKind
from domain.shared.errors import Conflict, Fault, Invalid
from tests.support.exit_trade import (
    D,
    bar,
    exits_of,
    opened,
    running_trade,
    stop_moves,
    target_moves,
    target_prices_of,
)


def test_a_nearer_stop_and_target_are_taken_for_the_next_bar() -> None:
    running = running_trade()
    running.feed(bar("105", "106", "104"))
    change = ProtectionChange(stop=D(95), targets={2: D(120)})
    running.plan, actions = tightened(running.plan, change)
    assert [(m.kind, m.old, m.new) for m in stop_moves(actions)] == [("STOP_TIGHTENED", 92, 95)]
    assert [(m.level, m.old, m.new) for m in target_moves(actions)] == [(2, 125, 120)]
    assert running.plan.stop.kind is StopKind.MANUAL
    assert running.feed(bar("94", "105", "94")).actions == ()
    (exit_,) = exits_of(running.feed(bar("96", "96", "94", "96", day=2)).actions)
    assert exit_.price == 95


def test_the_same_levels_again_change_nothing() -> None:
    plan = opened()
    change = ProtectionChange(stop=D("92.00"), targets={1: D(112)}, trailing=True)
    assert tightened(plan, change) == (plan, ())


def test_trailing_can_be_turned_on_but_not_off() -> None:
    assert tightened(opened(), ProtectionChange(trailing=True))[0].trailing
    with pytest.raises(Conflict) as refused:
        tightened(opened(), ProtectionChange(trailing=False))
    assert refused.value.code == "stop_widening_refused"


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        (ProtectionChange(stop=D("91.9999")), Conflict, "stop_widening_refused"),
        (ProtectionChange(targets={1: D("112.0001")}), Conflict, "stop_widening_refused"),
        (ProtectionChange(stop=D(100)), Invalid, "invalid_plan"),
        (ProtectionChange(stop=D("95.00001")), Invalid, "invalid_plan"),
        (ProtectionChange(stop=D("NaN")), Invalid, "invalid_plan"),
        (ProtectionChange(targets={4: D(110)}), Invalid, "invalid_plan"),
        (ProtectionChange(targets={1: D(92)}), Invalid, "invalid_plan"),
        (ProtectionChange(targets={2: D(111)}), Invalid, "invalid_plan"),
        (ProtectionChange(targets={1: D("110.00001")}), Invalid, "invalid_plan"),
    ],
)
def test_other_changes_are_refused(change: ProtectionChange, kind: type[Fault], code: str) -> None:
    with pytest.raises(kind) as refused:
        tightened(opened(), change)
    assert refused.value.code == code


def test_a_filled_target_and_a_closed_plan_do_not_change() -> None:
    running = running_trade()
    running.feed(bar("111", "112", "105", "106"))
    with pytest.raises(Invalid):
        tightened(running.plan, ProtectionChange(targets={1: D(110)}))
    assert target_prices_of(running.plan)[0] == 112
    running.feed(bar("80", day=2))
    with pytest.raises(Conflict) as refused:
        tightened(running.plan, ProtectionChange(stop=D(101)))
    assert refused.value.code == "position_closed"
