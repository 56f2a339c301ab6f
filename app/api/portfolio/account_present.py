"""How accounts, their cash movements and their ledger are shown."""

from app.api.portfolio import account_schemas as s
from application.portfolio.account_worth import AccountWorth
from application.portfolio.move_cash import Moved
from application.portfolio.views import Mark
from domain.portfolio.ledger import Transfer
from domain.shared.decimals import fraction


def account_out(worth: AccountWorth) -> s.AccountOut:
    """An account with what it is worth."""
    view, nav = worth.view, worth.nav
    account = view.account
    return s.AccountOut(
        id=account.id,
        name=account.name,
        mode=account.mode.value,
        book=account.book.value,
        settlement=account.settlement.value,
        base_currency=account.base_currency,
        starting_equity=account.starting_equity,
        calendar=account.calendar,
        commission_rate=account.costs.commission_rate,
        slippage=account.costs.slippage,
        leverage_default=account.leverage_default,
        status=account.status.value,
        cash=view.available + view.reserved,
        available=view.available,
        reserved=view.reserved,
        cells_cash=view.cells_cash,
        receivable=view.receivable,
        stock_value=view.stock_value,
        equity=view.equity,
        nav=None if nav is None else fraction(nav.nav),
        high_water_mark=None if nav is None else fraction(nav.high_water_mark),
        drawdown=None if nav is None else fraction(nav.drawdown),
        stale_marks=[_stale_mark_out(mark) for mark in worth.stale_marks],
        reasons=dict(worth.reasons),
        created_at=account.created_at,
        version=account.version,
    )


def account_cash_out(moved: Moved) -> s.AccountCashOut:
    """A booked movement of money."""
    assert moved.flow_id is not None
    return s.AccountCashOut(
        transfer_id=moved.transfer.id,
        flow_id=moved.flow_id,
        balances=s.CashBalancesOut(available=moved.available, reserved=moved.reserved),
    )


def transfer_out(transfer: Transfer) -> s.TransferOut:
    """A ledger transfer."""
    return s.TransferOut(
        id=transfer.id,
        kind=transfer.kind.value,
        phase=transfer.phase.value,
        asset=transfer.source.asset,
        amount=transfer.amount,
        from_holder=transfer.source.holder_id,
        from_bucket=transfer.source.bucket.value,
        to_holder=transfer.target.holder_id,
        to_bucket=transfer.target.bucket.value,
        cause_type=transfer.cause_type,
        cause_id=transfer.cause_id,
        occurred_at=transfer.occurred_at,
    )


def _stale_mark_out(mark: Mark) -> s.StaleMarkOut:
    price = mark.price
    return s.StaleMarkOut(
        instrument=mark.position.instrument,
        price=None if price is None else price.value,
        source=None if price is None else price.source,
        age_s=None if price is None else price.age_s,
    )
