"""The simulation's book on every store: what it keeps, and that it never meets the main book."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table
from sqlalchemy.sql.expression import Executable
from sqlalchemy.sql.visitors import iterate

from application.portfolio.create_cell import NewCell
from application.ports.order_repositories import OrderFilter
from application.ports.repositories import Page, PositionFilter
from application.ports.simulation import Resolution, StoredTicket
from application.ports.unit_of_work import Store, UnitOfWork
from application.simulation.apply_prices import EquityKeeping
from application.simulation.open_runs import OpenSimulation, open_run
from application.simulation.paper_orders import new_position
from application.simulation.simulation_ids import SimulationIds
from domain.market.price_event import PriceTick
from domain.portfolio.confirmation import ConfirmationRequest, ConfirmationStatus
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Order, OrderTerms, OrderType
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.round_trip import RoundTrip, TripFill
from domain.portfolio.simulation_run import (
    EquityPoint,
    PriceSource,
    Replay,
    SimulationRun,
    SimulationSettings,
)
from domain.portfolio.stop_plan import StopPlan
from domain.portfolio.ticket import OrderTicket, RestingOrder
from domain.shared.errors import NotFound, StaleVersion
from domain.shared.ids import Prefix
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.persistence.book_session import rewritten
from infrastructure.persistence.repositories import evaluations, ledger, orders, positions
from infrastructure.persistence.tables.simulation import COPIES
from tests.support.portfolio import (
    OWNER,
    START,
    STRANGER,
    SteppingClock,
    UseCases,
    main_account,
)
from tests.support.stores import STORES, store_of

D = Decimal
IDS = SimulationIds(UuidIds())
USE = UseCases()
WHOLE = Page(limit=100)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_of(request, tmp_path, SteppingClock()) as opened:
        main_account(opened)
        do(opened, OpenSimulation(UuidIds(), SimulationSettings(), D(10_000)))
        yield opened


def do(store: Store, work: Any, context: Any = OWNER) -> Any:
    return store.command(work, context).result(timeout=30)


def see(store: Store, work: Any, context: Any = OWNER) -> Any:
    return store.query(work, context)


def current(store: Store) -> SimulationRun:
    run: SimulationRun = see(store, lambda w: w.simulation.runs.current())
    return run


def position(store: Store, instrument: str = "BTC-USDT-PERP") -> Position:
    def make(work: UnitOfWork) -> Position:
        run, account = work.simulation.runs.current(), work.accounts.simulation()
        return new_position(account, run, instrument, IDS, work)

    made: Position = do(store, make)
    return made


def order(store: Store, held: Position) -> Order:
    made = Order(
        id=IDS.new(Prefix.ORDER),
        client_order_id=IDS.new(Prefix.CLIENT_ORDER),
        owner_id=held.owner_id,
        account_id=held.account_id,
        position_id=held.id,
        instrument=held.instrument,
        venue="paper",
        terms=OrderTerms(Side.BUY, D("1.5"), OrderType.LIMIT, limit_price=D("99.5")),
        status=OrderStatus.WORKING,
        created_at=START,
        updated_at=START,
    )
    do(store, lambda w: w.simulation.orders.add(made))
    return made


def test_the_first_start_opens_the_account_and_one_run(store: Store) -> None:
    again = do(store, OpenSimulation(UuidIds(), SimulationSettings(), D(5)))
    assert again == current(store)
    assert again.initial_capital == 10_000
    account = see(store, lambda w: w.accounts.simulation())
    assert (account.name, account.book.value, account.settlement.value) == (
        "simulation", "simulation", "margin",
    )  # fmt: skip
    amounts = see(store, lambda w: w.simulation.ledger.amounts(again.id))
    assert {key.bucket.value: amount for key, amount in amounts.items()} == {
        "available": 10_000, "external": -10_000,
    }  # fmt: skip
    assert see(store, lambda w: w.ledger.amounts(account.id)) == {}


def test_runs_come_back_as_they_went_in(store: Store) -> None:
    run = current(store)
    replay = Replay("imported:X:1h:raw", "1h", D("3600.5"), START, START, START, ended=True)
    changed = replace(
        run.started(PriceSource.REPLAY, ("A", "B"), replay, START),
        settings=SimulationSettings(commission_rate=D("0.5"), require_stop_loss=True),
        volume_quote=D("12.5"),
        last_tick_at=START,
    )
    do(store, lambda w: w.simulation.runs.save(changed))
    assert current(store) == changed
    with pytest.raises(StaleVersion):
        do(store, lambda w: w.simulation.runs.save(changed))
    archived = changed.archived({"equity": D("10.5"), "orders": 3}, START)
    do(store, lambda w: w.simulation.runs.save(archived))
    with pytest.raises(NotFound):
        current(store)
    assert see(store, lambda w: w.simulation.runs.get(run.id)) == archived
    do(store, lambda w: open_run(w.accounts.simulation(), D(7), run.settings, UuidIds(), w))
    assert [r.initial_capital for r in see(store, lambda w: w.simulation.runs.list(WHOLE))] == [
        10_000, 7,
    ]  # fmt: skip


def test_there_is_one_current_run(store: Store) -> None:
    account = see(store, lambda w: w.accounts.simulation())
    with pytest.raises(Exception, match=r"(?i)unique|duplicate|current"):
        do(store, lambda w: open_run(account, D(1), SimulationSettings(), UuidIds(), w))


def test_a_strangers_run_does_not_exist(store: Store) -> None:
    run = current(store)
    for ask in (
        lambda w: w.simulation.runs.current(),
        lambda w: w.simulation.runs.get(run.id),
        lambda w: w.simulation.confirmations.get("sim_cfm_1"),
    ):
        with pytest.raises(NotFound):
            see(store, ask, STRANGER)
    assert see(store, lambda w: w.simulation.runs.list(WHOLE), STRANGER) == []


def test_the_two_books_never_meet(store: Store) -> None:
    new = NewCell("ZIM", qty=D(0), cash=D(100), plan=None)
    cell = do(store, lambda w: USE.create_cell(new, w))
    held = position(store)
    made = order(store, held)
    for ask, code in (
        (lambda w: w.positions.get(held.id), "position_not_found"),
        (lambda w: w.orders.get(made.id), "order_not_found"),
        (lambda w: w.simulation.positions.get(cell.id), "position_not_found"),
    ):
        for run in (see, do, see):
            with pytest.raises(NotFound) as caught:
                run(store, ask)
            assert caught.value.code == code
    assert [p.id for p in see(store, lambda w: w.positions.list(PositionFilter(), WHOLE))] == [
        cell.id
    ]
    mine = see(store, lambda w: w.simulation.positions.list(PositionFilter(), WHOLE))
    assert mine == [held]
    assert see(store, lambda w: w.orders.count(OrderFilter())) == 0
    assert see(store, lambda w: w.simulation.orders.list(OrderFilter(), WHOLE)) == [made]
    first = see(store, lambda w: w.simulation.ledger.transfers(held.account_id, WHOLE))
    assert [key for key, _ in first] == ["1"]


def test_what_a_failed_command_wrote_is_gone_from_both_books(store: Store) -> None:
    held = position(store)

    def fail(work: UnitOfWork) -> None:
        work.simulation.positions.save(
            replace(held, status=PositionStatus.OPEN, version=held.version + 1)
        )
        raise ValueError

    with pytest.raises(ValueError):
        do(store, fail)
    assert do(store, lambda w: w.simulation.positions.get(held.id)) == held


def test_prices_are_replaced_by_instrument_and_forgotten(store: Store) -> None:
    run = current(store)
    first = PriceTick("B", START, "manual", bid=D(1), ask=D("1.5"))
    second = PriceTick("A", START, "manual", last=D(2), is_bar_close=True)
    newer = replace(first, at=START + timedelta(seconds=1), mark=D("1.25"))
    do(store, lambda w: w.simulation.prices.put(run.id, [first, second]))
    do(store, lambda w: w.simulation.prices.put(run.id, [newer]))
    assert see(store, lambda w: w.simulation.prices.of_run(run.id)) == [second, newer]
    do(store, lambda w: w.simulation.prices.forget(run.id))
    assert see(store, lambda w: w.simulation.prices.of_run(run.id)) == []


def test_equity_keeps_the_last_point_of_a_minute_and_of_an_hour(store: Store) -> None:
    run = current(store)

    def point(seconds: int, equity: int) -> EquityPoint:
        return EquityPoint(START + timedelta(seconds=seconds), D(equity), D(1), D(2), D(3))

    points = [point(0, 1), point(59, 2), point(60, 3), point(3600, 4)]

    def put(work: UnitOfWork) -> None:
        for item in points:
            for resolution in Resolution:
                starts_at = EquityKeeping().start_of(resolution, item.at)
                work.simulation.equity.put(run.id, resolution, starts_at, item)

    do(store, put)
    assert see(store, lambda w: w.simulation.equity.of_run(run.id)) == points[1:]
    late = START + timedelta(seconds=61)
    assert see(store, lambda w: w.simulation.equity.of_run(run.id, late)) == points[3:]
    other = do(store, lambda w: w.simulation.equity.forget_fine_before("sim_run_other", late))
    assert other == 0
    assert see(store, lambda w: w.simulation.equity.of_run(run.id)) == points[1:]
    gone = do(store, lambda w: w.simulation.equity.forget_fine_before(run.id, late))
    assert gone == 2
    assert see(store, lambda w: w.simulation.equity.of_run(run.id)) == points[2:]


def test_tickets_come_back_whole_and_in_time_priority(store: Store) -> None:
    held = position(store)
    orders_made = [order(store, held) for _ in range(3)]
    tickets = [
        StoredTicket(
            RestingOrder(
                OrderTicket(
                    order_id=made.id,
                    client_order_id=made.client_order_id,
                    account_id=made.account_id,
                    instrument=instrument,
                    side=Side.SELL,
                    qty=D("1.5"),
                    tick_size=D("0.01"),
                    type=OrderType.TRAILING_STOP,
                    trail_fraction=D("0.05"),
                    expires_at=START,
                    reduce_only=True,
                    group_id="g",
                    parent_id="p",
                    taker_rate=D("0.001"),
                    leverage=10,
                ),
                START,
                seq,
                open_qty=D("0.5"),
                filled_qty=D(1),
                fill_count=2,
                stop_price=D("95.5"),
                is_triggered=True,
            ),
            ended,
        )
        for made, instrument, seq, ended in zip(
            orders_made, ("A", "B", "A"), (3, 1, 2), (None, None, START), strict=True
        )
    ]
    run_id = held.account_id
    assert see(store, lambda w: w.simulation.tickets.next_seq(run_id)) == 1
    do(store, lambda w: w.simulation.tickets.put(run_id, tickets))
    assert see(store, lambda w: w.simulation.tickets.next_seq(run_id)) == 4
    live = see(store, lambda w: w.simulation.tickets.resting(run_id))
    assert live == [tickets[1].resting, tickets[0].resting]
    assert see(store, lambda w: w.simulation.tickets.resting(run_id, "A")) == [tickets[0].resting]
    ids = [made.id for made in orders_made]
    found = see(store, lambda w: w.simulation.tickets.of_orders(ids))
    assert found == dict(zip(ids, tickets, strict=True))
    assert see(store, lambda w: w.simulation.tickets.of_orders([])) == {}


def test_round_trips_open_and_close(store: Store) -> None:
    held = position(store)
    fill = TripFill(D(2), D(100), D("0.2"), D("0.02"), START)
    trip = RoundTrip(
        "sim_trd_1", held.account_id, held.id, "A", Side.BUY, 3, START, stop_price=D(95)
    ).entered(fill, StopPlan(D(95), D(95), D("0.001")))
    do(store, lambda w: w.simulation.trips.put(trip))
    assert see(store, lambda w: w.simulation.trips.open_of(held.id)) == trip
    assert see(store, lambda w: w.simulation.trips.open_in(held.account_id)) == [trip]
    out = replace(fill, price=D(110), at=START + timedelta(hours=1))
    closed = trip.left(out, D(20), "take_profit", is_flat=True)
    do(store, lambda w: w.simulation.trips.put(closed))
    assert see(store, lambda w: w.simulation.trips.open_of(held.id)) is None
    assert see(store, lambda w: w.simulation.trips.closed(held.account_id, WHOLE)) == [closed]
    assert see(store, lambda w: w.simulation.trips.count_closed(held.account_id)) == 1
    assert closed.net_pnl == D("19.6")
    assert closed.risk == D("10.39")
    assert closed.r_multiple == D("1.8864292589")


def test_confirmations_wait_until_they_are_decided(store: Store) -> None:
    waiting = ConfirmationRequest(
        id="sim_cfm_1",
        owner_id=OWNER.owner_id,
        run_id=current(store).id,
        instrument="A",
        request={"symbol": "A", "qty": D("1.5"), "note": None},
        reference_price=D("100.5"),
        created_at=START,
        expires_at=START + timedelta(seconds=300),
    )
    do(store, lambda w: w.simulation.confirmations.put(waiting))
    assert see(store, lambda w: w.simulation.confirmations.get("sim_cfm_1")) == waiting
    assert see(store, lambda w: w.simulation.confirmations.pending()) == [waiting]
    assert see(store, lambda w: w.simulation.confirmations.pending(), STRANGER) == []
    done = waiting.decided(ConfirmationStatus.CONFIRMED, START, order_id="sim_ord_1")
    do(store, lambda w: w.simulation.confirmations.put(done))
    assert see(store, lambda w: w.simulation.confirmations.get("sim_cfm_1")) == done
    assert see(store, lambda w: w.simulation.confirmations.pending()) == []


def statements() -> list[Any]:
    found = []
    for module in (evaluations, ledger, orders, positions):
        for value in vars(module).values():
            found += [
                item
                for item in (value.values() if isinstance(value, dict) else [value])
                if isinstance(item, Executable)
            ]
    return found


def test_every_statement_of_the_book_is_rewritten_whole() -> None:
    """A statement of a repository names a table of the book, and its rewriting names none."""
    main = set(COPIES)
    assert len(statements()) > 25
    for statement in statements():
        before = {e for e in iterate(statement) if isinstance(e, Table)} & main
        after = {e for e in iterate(rewritten(statement)) if isinstance(e, Table)}
        assert before, str(statement)
        assert {COPIES[table] for table in before} <= after
        assert not after & main
