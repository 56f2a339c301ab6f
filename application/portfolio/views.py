"""Read models: a position valued at the newest price known, an account with its equity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from application.simulation.valuation import value_run
from domain.plans.plan import PriceView
from domain.portfolio.account import Account, Book
from domain.portfolio.ledger import Bucket, LedgerKey
from domain.portfolio.position import Position
from domain.shared.decimals import ZERO, cash


@dataclass(frozen=True, slots=True)
class ValuedPosition:
    """A position at a price; `reasons` says why a figure is null."""

    position: Position
    price: PriceView | None
    equity: Decimal | None
    unrealized_pnl: Decimal | None
    stock_fraction: Decimal | None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a holding is valued at, and by which price; both null where no price is known."""

    position: Position
    price: PriceView | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class ValuedAccount:
    """An account with its cash and, where every holding has a price, its equity."""

    account: Account
    available: Decimal
    reserved: Decimal
    receivable: Decimal
    cells_cash: Decimal
    stock_value: Decimal | None
    equity: Decimal | None
    reasons: Mapping[str, str]
    marks: tuple[Mark, ...] = ()
    positions: tuple[Position, ...] = ()


def newest_price(position: Position, prices: Prices, now: datetime) -> PriceView | None:
    """The newest of the stored close, the last execution and the last reported bar; each with
    source and age. For a `now` in the past, what came after it counts only where nothing else is
    known.
    """
    told = told_price(position)
    return _newest(prices.newest(position.instrument, now), [] if told is None else [told], now)


def _newest(
    stored: PriceView | None, told: Sequence[tuple[Decimal, str, datetime]], now: datetime
) -> PriceView | None:
    if not told:
        return stored
    before = [one for one in told if one[2] <= now]
    value, source, at = max(before, key=_instant) if before else min(told, key=_instant)
    if stored is not None and (at > now or (stored.as_of is not None and stored.as_of >= at)):
        return stored
    age_s = Decimal(str(max(0.0, (now - at).total_seconds())))
    return PriceView(value, source, age_s, at)


def _instant(told: tuple[Decimal, str, datetime]) -> datetime:
    return told[2]


def told_price(position: Position) -> tuple[Decimal, str, datetime] | None:
    """The newest price a caller told: the close of a bar, which follows its own exits, or an
    execution.
    """
    executed, marked = position.last_executed_at, position.marked_at
    is_marked = marked is not None and (executed is None or marked >= executed)
    if is_marked and marked is not None and position.mark_price is not None:
        return position.mark_price, "bar", marked
    if position.last_fill_price is None or executed is None:
        return None
    return position.last_fill_price, "last_fill", executed


def valued(position: Position, prices: Prices, now: datetime) -> ValuedPosition:
    """Equity, unrealised P&L and stock share at the newest price; null with a reason
    without one.
    """
    price = newest_price(position, prices, now)
    value = None if price is None else price.value
    basis = position.basis
    reasons: dict[str, str] = {}
    if position.qty:
        if value is None:
            reasons["unrealized_pnl"] = reasons["equity"] = reasons["stock_fraction"] = "no_price"
        elif basis.cost is None:
            reasons["unrealized_pnl"] = "unknown_cost"
    if not basis.realized_known:
        reasons["realized_pnl"] = "unknown_cost"
    if basis.avg_cost is None:
        reasons["avg_cost"] = "flat" if position.qty == 0 else "unknown_cost"
    stock_fraction = position.stock_fraction(value)
    if stock_fraction is None:
        reasons.setdefault("stock_fraction", "no_equity")
    unrealized = unrealized_pnl(position, price)
    return ValuedPosition(
        position, price, position.equity(value), unrealized, stock_fraction, reasons
    )


def valued_accounts(
    accounts: Sequence[Account], prices: Prices, work: UnitOfWork
) -> list[ValuedAccount]:
    """Accounts with balances and equity; one query for balances, one for positions."""
    if not accounts:
        return []
    amounts = work.ledger.amounts_of([account.id for account in accounts])
    positions = work.positions.unclosed()
    return [
        _valued_simulation(account, work)
        if account.book is Book.SIMULATION
        else valued_account(
            account,
            {k: v for k, v in amounts.items() if k.account_id == account.id},
            [p for p in positions if p.account_id == account.id],
            prices,
            work.now,
        )
        for account in accounts
    ]


def known_price(
    instrument: str, positions: Sequence[Position], prices: Prices, at: datetime
) -> PriceView | None:
    """The newest price of an instrument at an instant: stored, or told of one of the positions."""
    told = [told_price(one) for one in positions if one.instrument == instrument]
    return _newest(prices.newest(instrument, at), [one for one in told if one is not None], at)


def marks_of(positions: Sequence[Position], prices: Prices, at: datetime) -> tuple[Mark, ...]:
    """Every holding at the newest price known of its instrument at an instant: what was told of
    one of the positions counts for all of them.
    """
    told: dict[str, list[tuple[Decimal, str, datetime]]] = {}
    for position in positions:
        known = told_price(position)
        if known is not None:
            told.setdefault(position.instrument, []).append(known)
    newest = {
        name: _newest(prices.newest(name, at), told.get(name, ()), at)
        for name in {position.instrument for position in positions if position.qty}
    }
    return tuple(_mark(p, newest[p.instrument]) for p in positions if p.qty)


def _mark(position: Position, price: PriceView | None) -> Mark:
    return Mark(position, price, None if price is None else cash(position.qty * price.value))


def unrealized_pnl(position: Position, price: PriceView | None) -> Decimal | None:
    """qty·price − cost; 0 when flat, null without a price or a known cost."""
    if not position.qty:
        return ZERO
    if price is None or position.basis.cost is None:
        return None
    return cash(position.qty * price.value) - position.basis.cost


def valued_account(
    account: Account,
    amounts: Mapping[LedgerKey, Decimal],
    positions: Sequence[Position],
    prices: Prices,
    at: datetime,
) -> ValuedAccount:
    """Cash by purpose, stock value and equity; null where a holding has no price. `positions` are
    those of the account that are not closed.
    """
    marks = marks_of(positions, prices, at)

    def held(bucket: Bucket, *, own: bool) -> Decimal:
        return sum(
            (
                amount
                for key, amount in amounts.items()
                if key.bucket is bucket
                and key.asset == account.base_currency
                and (key.holder_id == account.id) is own
            ),
            ZERO,
        )

    available, reserved = held(Bucket.AVAILABLE, own=True), held(Bucket.RESERVED, own=True)
    cells_cash = held(Bucket.AVAILABLE, own=False) + held(Bucket.RESERVED, own=False)
    receivable = held(Bucket.RECEIVABLE, own=True) + held(Bucket.RECEIVABLE, own=False)
    reasons: dict[str, str] = {}
    stock_value: Decimal | None
    if any(mark.value is None for mark in marks):
        stock_value = None
        reasons["equity"] = reasons["stock_value"] = "no_price"
    else:
        stock_value = sum((mark.value or ZERO for mark in marks), ZERO)
    money = available + reserved + cells_cash + receivable
    return ValuedAccount(
        account=account,
        available=available,
        reserved=reserved,
        receivable=receivable,
        cells_cash=cells_cash,
        stock_value=stock_value,
        equity=None if stock_value is None else money + stock_value,
        reasons=reasons,
        marks=marks,
        positions=tuple(positions),
    )


def _valued_simulation(account: Account, work: UnitOfWork) -> ValuedAccount:
    """The current run: `cash` is its wallet, margin counts as reserved."""
    value = value_run(work.simulation.runs.current(), account, work)
    margin = value.used_margin + value.order_margin
    reasons = {"stock_value": "margin_account"}
    if value.equity is None:
        reasons["equity"] = "no_price"
    return ValuedAccount(
        account=account,
        available=value.wallet - margin,
        reserved=margin,
        receivable=ZERO,
        cells_cash=ZERO,
        stock_value=None,
        equity=value.equity,
        reasons=reasons,
    )
