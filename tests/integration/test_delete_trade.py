"""An entry that nothing filled can be taken back; one that was cannot."""

from decimal import Decimal as D

import pytest

from application.portfolio.close_trade import DeleteTrade
from application.portfolio.end_order import EndOrder
from application.portfolio.order_request import OrderRequest
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.order import OrderType
from domain.portfolio.position import PositionStatus
from domain.shared.errors import Conflict, NotFound
from domain.shared.side import Side
from tests.contract.test_trade_store_contract import trade
from tests.support.portfolio import OWNER, SteppingClock, UseCases, main_account
from tests.support.stores import memory_store

USE = UseCases()
DELETE = DeleteTrade(EndOrder(USE.ids))


def pending(work: UnitOfWork) -> str:
    """A trade whose entry waits at its limit."""
    work.positions.add(trade(work))
    order = OrderRequest(Side.BUY, D(200), OrderType.LIMIT, limit_price=D(100))
    submitted = USE.submit("pos_1", order, work)
    assert submitted.accepted, submitted.verdict
    return str(submitted.order.id)


def test_a_waiting_entry_is_taken_back_with_its_reservation() -> None:
    with memory_store(SteppingClock()) as store:
        account = main_account(store)
        order_id = store.command(pending, OWNER).result()
        deleted = store.command(lambda w: DELETE.of_symbol("aapl", w), OWNER).result()
        assert deleted.status is PositionStatus.CLOSED
        assert store.query(lambda w: w.orders.get(order_id).status, OWNER) == "cancelled"
        amounts = store.query(lambda w: w.ledger.amounts(account.id), OWNER)
        held = {key.bucket.value: amount for key, amount in amounts.items() if amount}
        assert held == {"available": 100_000, "external": -100_000}
        with pytest.raises(NotFound):
            store.command(lambda w: DELETE.of_symbol("AAPL", w), OWNER).result()


def test_an_entry_that_filled_stays() -> None:
    from application.portfolio.record_fill import Execution

    with memory_store(SteppingClock()) as store:
        main_account(store)
        order_id = store.command(pending, OWNER).result()
        fill = Execution(D(100), D(1))
        store.command(lambda w: USE.fill(order_id, fill, w), OWNER).result()
        with pytest.raises(Conflict) as refused:
            store.command(lambda w: DELETE.of_symbol("AAPL", w), OWNER).result()
        assert refused.value.code == "position_has_fills"
