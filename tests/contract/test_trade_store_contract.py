"""Trades in every store: one live per instrument, answers to bars, plans that come back whole."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from application.ports.unit_of_work import Store, UnitOfWork
from domain.market.market_regime import MarketRegime, SessionState
from domain.plans.exit_actions import ExitCause
from domain.plans.exit_levels import TrueRangeSource
from domain.plans.plan import PositionView
from domain.plans.price_bar import PriceBody, checked_bar
from domain.plans.regime_exit import ExitMarket, decide
from domain.plans.regime_exit_plan import EntryTerms, RegimeExitPlan, open_regime_exit
from domain.plans.regime_rules import ExitRules
from domain.portfolio.cost_basis import CostBasis
from domain.portfolio.position import MANUAL_VENUE, Position, PositionStatus
from domain.shared.errors import Conflict
from infrastructure.persistence.store import SqlStore
from tests.support.portfolio import OWNER, START, STRANGER, SteppingClock, UseCases, main_account
from tests.support.stores import STORES, sqlite_store, store_of

DAY = date(2026, 1, 5)
USE = UseCases()


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_of(request, tmp_path, SteppingClock()) as opened:
        main_account(opened)
        yield opened


def do(store: Store, work: Any) -> Any:
    return store.command(work, OWNER).result(timeout=30)


def a_plan() -> RegimeExitPlan:
    """A plan in the middle of its life: amended bars, a filled target, a moved stop, factors."""
    state = SessionState(
        DAY, D(18), MarketRegime.BULL_NORMAL, D(45), D("1.2"), D(-16), D("-26.5"), D(3)
    )
    terms = EntryTerms(
        entry_price=D(100),
        session=DAY,
        state=state,
        true_range=D(2),
        true_range_source=TrueRangeSource.REQUEST,
        price_step=D("0.0001"),
        lot=D(1),
        rules=ExitRules(),
        quantity=D(200),
        opened_at=START,
    )
    plan = open_regime_exit(terms)
    view = PositionView("pos", "AAPL", D(200), D(0))
    for close in (D(101), D("119.5")):
        bar = checked_bar(PriceBody(close), DAY, is_final=False, as_of=START)
        market = ExitMarket(bar, replace(state, vix=D(25)), ExitRules(), 0, DAY)
        plan = decide(plan, view, market).plan
    return replace(plan, initial_risk=D("1600.5"), size_fraction=D("0.2"))


def trade(work: UnitOfWork, name: str = "pos_1", **changes: Any) -> Position:
    account = work.accounts.main()
    made = Position(
        id=name,
        owner_id=account.owner_id,
        account_id=account.id,
        instrument="AAPL",
        currency="USD",
        calendar="XNYS",
        venue=MANUAL_VENUE,
        is_cell=False,
        basis=CostBasis(),
        opening_price=None,
        cash=D(0),
        receivable=D(0),
        dividends_received=D(0),
        funding_paid=D(0),
        anchor_price=None,
        high_water=None,
        low_water=None,
        last_fill_price=None,
        plan=a_plan(),
        status=PositionStatus.PENDING,
        opened_at=work.now,
        closed_at=None,
        entry_session=DAY,
        withholding_rate=None,
    )
    return replace(made, **changes)


def test_a_plan_in_the_middle_of_its_life_comes_back_whole(store: Store) -> None:
    marked = START + timedelta(seconds=5)
    do(store, lambda w: w.positions.add(trade(w, mark_price=D("119.5"), marked_at=marked)))
    found = store.query(lambda w: w.positions.get("pos_1"), OWNER)
    assert found.plan == a_plan()
    assert (found.mark_price, found.marked_at) == (D("119.5"), marked)
    closed = replace(a_plan(), closed_by=ExitCause.TIME_EXIT, running=None)
    do(store, lambda w: w.positions.save(replace(found, plan=closed, version=2)))
    assert store.query(lambda w: w.positions.get("pos_1"), OWNER).plan == closed


def test_one_trade_per_account_and_instrument_is_live(store: Store) -> None:
    do(store, lambda w: w.positions.add(trade(w)))
    with pytest.raises(Conflict) as refused:
        do(store, lambda w: w.positions.add(trade(w, "pos_2")))
    assert (refused.value.code, refused.value.context) == (
        "position_exists",
        {"position_id": "pos_1"},
    )
    do(store, lambda w: w.positions.add(trade(w, "pos_3", instrument="MSFT")))
    do(store, lambda w: w.positions.add(trade(w, "pos_4", plan=None)))

    def close(work: UnitOfWork) -> None:
        first = work.positions.get("pos_1")
        work.positions.save(replace(first, status=PositionStatus.CLOSED, version=2))
        work.positions.add(trade(work, "pos_5"))

    do(store, close)

    def seen(work: UnitOfWork) -> list[Any]:
        account_id = work.accounts.main().id
        live, last = work.positions.live_trade, work.positions.last_trade
        return [
            [p.id for p in work.positions.live_trades(account_id)],
            [p.id for p in work.positions.held_in(account_id)],
            (live(account_id, "AAPL") or first).id,
            (last(account_id, "AAPL") or first).id,
            live(account_id, "IBM"),
            last("acc_of_nobody", "AAPL"),
        ]

    first = store.query(lambda w: w.positions.get("pos_1"), OWNER)
    assert store.query(seen, OWNER) == [
        ["pos_5", "pos_3"],
        ["pos_3", "pos_4", "pos_5"],
        "pos_5",
        "pos_5",
        None,
        None,
    ]
    account_id = store.query(lambda w: w.accounts.main().id, OWNER)
    assert store.query(lambda w: w.positions.live_trades(account_id), STRANGER) == []


def test_the_database_itself_refuses_a_second_live_trade(tmp_path: Path) -> None:
    with sqlite_store(tmp_path, SteppingClock()) as store:
        assert isinstance(store, SqlStore)
        main_account(store)
        do(store, lambda w: w.positions.add(trade(w)))

        def past_the_check(work: UnitOfWork) -> None:
            work.positions.add(trade(work, "pos_2", plan=None))
            stored = work.positions.get("pos_2")
            work.positions.save(replace(stored, plan=a_plan(), version=2))

        with pytest.raises(Exception, match=r"UNIQUE|unique"):
            do(store, past_the_check)


def test_answers_to_bars_are_kept_for_the_newest_session(store: Store) -> None:
    answer = {"pnl": D("0.1234567891"), "days": 3, "actions": [{"price": D(92)}], "final": None}
    later = DAY + timedelta(days=1)

    def put(work: UnitOfWork) -> None:
        work.positions.add(trade(work))
        work.bar_answers.put("pos_1", DAY, "one", answer)
        work.bar_answers.put("pos_1", DAY, "two", {"n": 1})
        work.bar_answers.put("pos_1", DAY, "two", {"n": 2})
        work.bar_answers.put("pos_1", later, "one", {"n": 3})

    do(store, put)

    def seen(work: UnitOfWork) -> list[Any]:
        keys = ((DAY, "one"), (DAY, "two"), (later, "one"), (later, "two"))
        return [work.bar_answers.find("pos_1", day, name) for day, name in keys]

    assert store.query(seen, OWNER) == [answer, {"n": 2}, {"n": 3}, None]
    do(store, lambda w: w.bar_answers.forget_before("pos_1", later))
    assert store.query(seen, OWNER) == [None, None, {"n": 3}, None]
