"""An instrument's own quantity step binds proposals, closing and the gate alike."""

from decimal import Decimal
from typing import Any

from application.portfolio.close_position import CloseRequest
from application.portfolio.create_cell import NewCell
from application.portfolio.evaluate_position import EvaluatePosition, EvaluationRequest
from application.portfolio.order_request import OrderRequest
from application.ports.repositories import RegisteredInstrument
from application.ports.unit_of_work import Store, UnitOfWork
from domain.plans.balancing_plan import BalancingPlan
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.position import Position
from domain.shared.errors import NotFound
from domain.shared.side import Side
from infrastructure.ids import UuidIds
from infrastructure.persistence.memory.store import MemoryStore
from tests.support.portfolio import OWNER, START, SteppingClock, UseCases, main_account

D = Decimal
USE = UseCases()


class NoPrices:
    def newest(self, *_: object) -> None:
        return None


class NoCalendars:
    def calendar(self, name: str) -> Any:
        raise NotFound("unknown_calendar", name)


def do(store: Store, work: Any) -> Any:
    return store.command(work, OWNER).result()


def whole_share_cell(store: Store, qty: str) -> Position:
    row = RegisteredInstrument(
        "ACME", "equity", "equity", "USD", "XNYS", D("0.01"), D(1), "trading", START
    )
    do(store, lambda w: w.instruments.add(row))
    new = NewCell("ACME", D(qty), D(5000), anchor_price=D(100), plan=BalancingPlan())
    made: Position = do(store, lambda w: USE.create_cell(new, w))
    return made


def opened() -> Store:
    store = MemoryStore(SteppingClock())
    main_account(store)
    return store


def test_a_proposal_is_whole_shares_where_the_instrument_trades_in_whole_shares() -> None:
    store = opened()
    cell = whole_share_cell(store, "50")
    evaluate = EvaluatePosition(UuidIds(), NoPrices(), NoCalendars())  # type: ignore[arg-type]
    asked = EvaluationRequest(D(97))
    proposal = do(store, lambda w: evaluate(cell.id, asked, w)).evaluation.proposals[0]
    assert proposal.qty == 5
    assert [(t.step.value, t.limit) for t in proposal.trimming] == [("qty_step", 1)]


def test_closing_a_fraction_is_floored_to_the_step_and_closing_all_takes_the_odd_rest() -> None:
    store = opened()
    cell = whole_share_cell(store, "10.5")
    part = do(store, lambda w: USE.close(cell.id, CloseRequest(D("0.5")), w))
    assert (part.order.terms.qty, part.accepted) == (5, True)
    do(store, lambda w: USE.end.cancel(part.order.id, w))
    whole = do(store, lambda w: USE.close(cell.id, CloseRequest(), w))
    assert (whole.order.terms.qty, whole.accepted) == (D("10.5"), True)


def test_an_order_off_the_step_is_refused() -> None:
    store = opened()
    cell = whole_share_cell(store, "10.5")

    def sell(work: UnitOfWork) -> Any:
        return USE.submit(cell.id, OrderRequest(Side.SELL, D("1.5")), work)

    refused = do(store, sell)
    assert refused.order.status is OrderStatus.REJECTED
    assert refused.order.reason == "instrument_rules"
