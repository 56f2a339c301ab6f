"""What holds on every path of prices, VIX and breadth: ratchets, whole sales, no look-ahead."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.market.market_regime import MarketRegime, SessionState
from domain.plans.corporate_actions import rescaled_by_split, shifted_by_dividend
from domain.plans.exit_actions import Exit, ExitCause
from domain.plans.exit_levels import TargetStatus, TrueRangeSource, slice_quantities
from domain.plans.price_bar import PriceBar
from domain.plans.regime_exit_plan import EntryTerms, RegimeExitPlan, open_regime_exit
from domain.plans.regime_rules import ExitProfile, ExitRules
from tests.support.exit_trade import ENTRY, Trade, exits_of, opened, state, stop_moves

Path = list[tuple[PriceBar, SessionState | None]]

cents = st.integers(2_000, 40_000).map(lambda number: Decimal(number) / 100)
near = st.integers(7_500, 15_000).map(lambda number: Decimal(number) / 100)
steps = st.sampled_from([Decimal("0.0001"), Decimal("0.01"), Decimal("0.05")])
changes = st.none() | st.integers(-60, 60).map(Decimal)
ratios = st.none() | st.sampled_from([Decimal(text) for text in ("0.05", "0.7", "1.1", "3")])


@st.composite
def states(draw: st.DrawFn, day: int) -> SessionState:
    return SessionState(
        session=ENTRY + timedelta(days=day),
        vix=Decimal(draw(st.integers(8, 90))),
        regime=draw(st.sampled_from(MarketRegime)),
        t2108=draw(st.none() | st.integers(0, 100).map(Decimal)),
        momentum_ratio=draw(ratios),
        vix_change=draw(changes),
        t2108_change=draw(changes),
        momentum_previous=draw(ratios),
    )


@st.composite
def bars(draw: st.DrawFn, day: int, *, can_be_interval: bool = True) -> PriceBar:
    prices = sorted(draw(st.lists(near | cents, min_size=4, max_size=4)))
    low, high = prices[0], prices[3]
    first, close = draw(st.permutations(prices[1:3]))
    return PriceBar(
        session=ENTRY + timedelta(days=day),
        high=high,
        low=low,
        close=close,
        open=first if draw(st.booleans()) else None,
        is_final=draw(st.booleans()),
        is_interval=can_be_interval and draw(st.booleans()),
    )


@st.composite
def paths(draw: st.DrawFn) -> Path:
    """Up to eight sessions in order, some of them updated more than once."""
    found: Path = []
    for day in range(draw(st.integers(1, 8))):
        for _ in range(draw(st.integers(1, 3))):
            found.append((draw(bars(day)), draw(st.none() | states(day))))
    return found


@st.composite
def exit_rules(draw: st.DrawFn) -> ExitRules:
    return ExitRules(
        profile=draw(st.sampled_from(ExitProfile)),
        trailing=draw(st.booleans()),
        time_exit_sessions=draw(st.sampled_from([None, 1, 100])),
        disable_transitions=draw(st.booleans()),
        emergency_protocols=draw(st.booleans()),
        commission_rate=draw(st.sampled_from([Decimal(0), Decimal("0.001"), Decimal("0.2")])),
    )


@st.composite
def plans(draw: st.DrawFn, rules: st.SearchStrategy[ExitRules] | None = None) -> RegimeExitPlan:
    return open_regime_exit(
        EntryTerms(
            entry_price=draw(cents),
            session=ENTRY,
            state=draw(states(0)),
            true_range=draw(st.integers(1, 2_000)) / Decimal(100),
            true_range_source=TrueRangeSource.REQUEST,
            price_step=draw(steps),
            lot=Decimal(1),
            rules=draw(rules or exit_rules()),
            quantity=Decimal(draw(st.integers(1, 500))),
        )
    )


@given(plans(), exit_rules(), paths())
def test_no_stop_falls_and_no_target_moves_out(
    plan: RegimeExitPlan, rules: ExitRules, path: Path
) -> None:
    trade = Trade(plan, rules)
    for update, market in path:
        before = trade.plan
        decision = trade.feed(update, market)
        after = decision.plan
        assert after.stop.price >= before.stop.price
        assert all(move.new >= move.old for move in stop_moves(decision.actions))
        for old, new in zip(before.targets, after.targets, strict=True):
            assert new.price <= old.price
            assert new.price == old.price or new.status is TargetStatus.PENDING
        if decision.position_closed:
            return


@given(plans(), exit_rules(), paths())
def test_exits_add_up_to_the_quantity(plan: RegimeExitPlan, rules: ExitRules, path: Path) -> None:
    trade = Trade(plan, rules)
    trade.feed_all(path)
    sold = sum((exit_.qty for exit_ in exits_of(trade.actions)), Decimal(0))
    assert plan.initial_qty is not None
    assert sold + trade.qty == plan.initial_qty
    assert (trade.qty == 0) == (trade.plan.closed_by is not None)
    assert all(exit_.qty > 0 and exit_.qty == int(exit_.qty) for exit_ in exits_of(trade.actions))


@given(plans(), exit_rules(), paths())
def test_no_exit_has_a_price_outside_its_session(
    plan: RegimeExitPlan, rules: ExitRules, path: Path
) -> None:
    trade = Trade(plan, rules)
    for update, market in path:
        decision = trade.feed(update, market)
        seen = decision.plan.last_bar
        assert seen is not None
        # The bar of the entry session began at the entry, so a target below its low was crossed.
        low = min(seen.low, plan.entry_price) if update.session == ENTRY else seen.low
        assert all(low <= exit_.price <= seen.high for exit_ in exits_of(decision.actions))
        if decision.position_closed:
            return


@given(plans(), exit_rules(), paths(), st.data())
def test_the_future_changes_no_earlier_action(
    plan: RegimeExitPlan, rules: ExitRules, path: Path, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(path)))
    day = (path[cut - 1][0].session - ENTRY).days + 1 if cut else 0
    other = [(data.draw(bars(day)), data.draw(st.none() | states(day)))]
    whole, cut_off, changed = Trade(plan, rules), Trade(plan, rules), Trade(plan, rules)
    whole.feed_all(path)
    cut_off.feed_all(path[:cut])
    changed.feed_all(path[:cut] + other)
    count = len(cut_off.actions)
    assert whole.actions[:count] == cut_off.actions
    assert changed.actions[:count] == cut_off.actions


@given(plans(), exit_rules(), paths())
def test_one_call_at_a_time_equals_the_backtest(
    plan: RegimeExitPlan, rules: ExitRules, path: Path
) -> None:
    """Live: the plan is stored and read between calls, and every update arrives twice."""
    backtest, live = Trade(plan, rules), Trade(plan, rules, forgets=True)
    backtest.feed_all(path)
    for update, market in path:
        if live.plan.closed_by is None:
            live.feed(update, market)
            kept = live.plan
            assert live.feed(update, market).replayed
            assert live.plan == kept
    assert live.actions == backtest.actions
    assert live.plan == backtest.plan


@given(plans(), exit_rules(), st.data())
def test_the_newest_body_of_a_session_changes_nothing_twice(
    plan: RegimeExitPlan, rules: ExitRules, data: st.DataObject
) -> None:
    trade = Trade(plan, rules)
    for day in range(3):
        bodies = data.draw(st.lists(bars(day, can_be_interval=False), min_size=1, max_size=3))
        market = data.draw(st.none() | states(day))
        for body in bodies:
            if trade.plan.closed_by is None:
                trade.feed(body, market)
                kept = trade.plan
                answers = [trade.feed(body, market) for _ in range(2)]
                assert all(answer.replayed and not answer.actions for answer in answers)
                assert trade.plan == kept


@given(st.lists(st.integers(1, 4), min_size=4, max_size=4), st.data())
def test_amending_a_bar_never_adds_a_day(counts: list[int], data: st.DataObject) -> None:
    trade = Trade(opened())
    quiet = st.integers(9_300, 11_100).map(lambda number: Decimal(number) / 100)
    for day, count in enumerate(counts):
        for number in range(count):
            price = data.draw(quiet)
            session = ENTRY + timedelta(days=day)
            body = PriceBar(session, price, price, price, is_final=number == count - 1)
            decision = trade.feed(body)
            running = decision.plan.running
            assert running is not None
            assert running.sessions_held == day
            is_due = day == 3 and number == count - 1
            assert decision.replayed or decision.position_closed == is_due
            if decision.replayed and is_due:
                return
    assert trade.plan.closed_by is ExitCause.TIME_EXIT


@given(st.lists(bars(1, can_be_interval=False), min_size=2, max_size=4), bars(2))
def test_quiet_pieces_of_a_bar_equal_the_whole_bar(pieces: list[PriceBar], then: PriceBar) -> None:
    pieces = [replace(piece, is_final=False) for piece in pieces]
    in_pieces, at_once = Trade(opened()), Trade(opened())
    for piece in pieces:
        in_pieces.feed(piece)
        if in_pieces.actions:
            return
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole.amended_by(piece)
    at_once.feed(whole)
    in_pieces.feed(then)
    at_once.feed(then)
    assert in_pieces.actions == at_once.actions
    assert in_pieces.plan.stop == at_once.plan.stop
    assert in_pieces.plan.targets == at_once.plan.targets
    assert in_pieces.plan.high_water == at_once.plan.high_water
    assert in_pieces.plan.max_loss == at_once.plan.max_loss


@given(plans())
def test_entry_levels_stay_in_their_bounds(plan: RegimeExitPlan) -> None:
    entry, step = plan.entry_price, plan.price_step
    assert entry * Decimal("0.75") - step < plan.stop.price <= entry * Decimal("0.98")
    prices = [target.price for target in plan.targets]
    assert prices == sorted(set(prices))
    assert all(entry < price < 2 * entry + step for price in prices)
    assert plan.targets[-1].cumulative_fraction == 1
    assert plan.initial_qty is not None
    slices = slice_quantities(plan.targets, plan.initial_qty, plan.lot)
    assert sum(slices) == plan.initial_qty
    assert all(qty >= 0 for qty in slices)


@given(plans(), paths(), st.integers(1, 500))
def test_twice_the_quantity_changes_no_price(
    plan: RegimeExitPlan, path: Path, quantity: int
) -> None:
    """Levels never depend on size: whole multiples of four lots sell alike."""
    sizes = [replace(plan, initial_qty=Decimal(20 * quantity * times)) for times in (1, 2)]
    one, two = Trade(sizes[0]), Trade(sizes[1])
    one.feed_all(path)
    two.feed_all(path)
    assert [_shape(exit_) for exit_ in exits_of(one.actions)] == [
        _shape(exit_) for exit_ in exits_of(two.actions)
    ]
    assert one.plan.stop == two.plan.stop


def _shape(exit_: Exit) -> tuple[str, Decimal, Decimal, Decimal]:
    return exit_.kind, exit_.price, exit_.closed_fraction, exit_.pnl_fraction


@given(plans(), exit_rules(), paths(), st.sampled_from([Decimal(2), Decimal(4), Decimal("0.5")]))
def test_a_split_leaves_every_fraction_as_it_was(
    plan: RegimeExitPlan, rules: ExitRules, path: Path, ratio: Decimal
) -> None:
    """Half a path, then the split, then prices ÷ ratio: the same exits as without the split."""
    plan = replace(plan, initial_qty=Decimal(40), price_step=Decimal("0.0001"))
    half = len(path) // 2
    ex_date = path[half][0].session
    before, after = path[:half], path[half:]
    if before and before[-1][0].session == ex_date:
        return
    kept, split = Trade(plan, rules), Trade(plan, rules)
    kept.feed_all(before)
    split.feed_all(before)
    if split.plan.closed_by is not None:
        return
    split.plan = rescaled_by_split(split.plan, ratio, ex_date)
    split.qty *= ratio
    assert split.plan.initial_qty == 40 * ratio
    assert abs(split.plan.stop.price * ratio - kept.plan.stop.price) <= ratio * Decimal("0.0001")
    assert abs(split.plan.max_profit - kept.plan.max_profit) < Decimal("1e-8")
    assert abs(split.plan.max_loss - kept.plan.max_loss) < Decimal("1e-8")
    kept.feed_all(after)
    split.feed_all([(_rescaled(update, ratio), market) for update, market in after])
    assert split.qty == kept.qty * ratio


def _rescaled(update: PriceBar, ratio: Decimal) -> PriceBar:
    return replace(
        update,
        open=None if update.open is None else update.open / ratio,
        high=update.high / ratio,
        low=update.low / ratio,
        close=update.close / ratio,
    )


@given(plans(), st.integers(1, 60_000).map(lambda number: Decimal(number) / 100))
def test_a_dividend_lowers_every_level_by_its_gross_amount(
    plan: RegimeExitPlan, dps: Decimal
) -> None:
    after = shifted_by_dividend(plan, dps, ENTRY + timedelta(days=1))
    step = plan.price_step
    for old, new in (
        (plan.stop.price, after.stop.price),
        *((o.price, n.price) for o, n in zip(plan.targets, after.targets, strict=True)),
        (plan.high_water, after.high_water),
    ):
        assert new == step if old - dps <= step else abs(new - (old - dps)) < step
    assert after.entry_price == plan.entry_price
    assert after.max_profit == plan.max_profit


def test_the_strategies_reach_every_way_out() -> None:
    """The paths above would prove little if they never sold: a fixed sample does all three."""
    causes = set()
    for close, day in (("80", 1), ("150", 1), ("101", 3)):
        trade = Trade(opened())
        session = ENTRY + timedelta(days=day)
        trade.feed(PriceBar(session, Decimal(close), Decimal(close), Decimal(close)), state("18"))
        causes.add(trade.plan.closed_by)
    assert causes == {ExitCause.STOP_LOSS, ExitCause.PROFIT_TAKING, ExitCause.TIME_EXIT}
