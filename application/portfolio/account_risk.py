"""The account as sizing and the gate see it: equity, free cash, and what moves with a symbol."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.market.daily_bars import DailyBars
from application.portfolio.views import marks_of
from application.ports.prices import Prices
from application.ports.unit_of_work import UnitOfWork
from domain.plans.exit_levels import round_trip_costs
from domain.plans.regime_rules import ExitRules
from domain.portfolio.account import Account
from domain.portfolio.ledger import Bucket, LedgerKey
from domain.portfolio.position import Position
from domain.risk.correlation_clusters import cluster_of
from domain.risk.sizing import SizingBook, SizingWarning
from domain.shared.decimals import ZERO


@dataclass(frozen=True, slots=True)
class AccountRisk:
    """What the size function needs to know of the account; `has_cell`: a cell holds the symbol."""

    book: SizingBook
    has_cell: bool


class AssessAccount:
    """Equity = cash + cells' cash + receivables + Σ quantity · newest price.

    A holding without any price counts as nothing, with a warning: an unknown value must not make a
    trade larger, and the drawdown is then unknown too. Loss at the stop of a trade that runs is
    measured from its newest price.
    """

    def __init__(self, prices: Prices, bars: DailyBars) -> None:
        self._prices = prices
        self._bars = bars

    def __call__(
        self, account: Account, instrument: str, rules: ExitRules, work: UnitOfWork
    ) -> AccountRisk:
        held = work.positions.held_in(account.id)
        own = _OwnCash(account, work)
        valued = marks_of(held, self._prices, work.now)
        marks = {mark.position.id: mark.price for mark in valued}
        stock = sum((mark.value for mark in valued if mark.value is not None), ZERO)
        cells = sum((p.effective_cash for p in held if p.is_cell), ZERO)
        losses = {
            p.instrument: loss_at_stop(p, None if price is None else price.value, rules)
            for p in held
            if p.exit_plan is not None and p.qty and p.instrument != instrument
            for price in (marks[p.id],)
        }
        cluster, is_known = self._cluster(instrument, list(losses), work.now)
        is_priced = all(price is not None for price in marks.values())
        warnings = () if is_known else (SizingWarning.CORRELATION_UNKNOWN,)
        if not is_priced:
            warnings = (*warnings, SizingWarning.UNPRICED_HOLDINGS)
        equity = own.total + cells + stock
        book = SizingBook(
            equity=equity,
            available_cash=own.available,
            held_qty=_held_outside_cells(held, instrument),
            cluster_risk=sum((losses[name] for name in cluster if name in losses), ZERO),
            drawdown=_drawdown(account, equity, work) if is_priced else None,
            warnings=warnings,
        )
        has_cell = any(p.is_cell and p.instrument == instrument for p in held)
        return AccountRisk(book, has_cell)

    def _cluster(
        self, instrument: str, others: Sequence[str], now: datetime
    ) -> tuple[frozenset[str], bool]:
        if not others:
            return frozenset((instrument,)), True
        closes = self._bars.closes({instrument, *others}, now)
        return cluster_of(instrument, others, closes)


def loss_at_stop(position: Position, mark: Decimal | None, rules: ExitRules) -> Decimal:
    """Money lost from the newest price down to the stop, round-trip costs included."""
    plan = position.exit_plan
    if plan is None:
        return ZERO
    price, stop = plan.entry_price if mark is None else mark, plan.stop.price
    return position.qty * (max(ZERO, price - stop) + round_trip_costs(price, stop, rules))


def _drawdown(account: Account, equity: Decimal, work: UnitOfWork) -> Decimal | None:
    """1 − NAV / its peak, with the account at `equity` now; null before its NAV began."""
    last = work.nav_marks.newest([account.id]).get(account.id)
    return None if last is None else last.state.marked(equity).drawdown


class _OwnCash:
    """Cash of the account itself, cells not among it."""

    def __init__(self, account: Account, work: UnitOfWork) -> None:
        balances = work.ledger.balances(account.id)

        def amount(bucket: Bucket) -> Decimal:
            return balances.amount(LedgerKey(account.id, account.id, account.base_currency, bucket))

        self.available = amount(Bucket.AVAILABLE)
        self.total = (
            self.available
            + amount(Bucket.RESERVED)
            + amount(Bucket.MARGIN)
            + amount(Bucket.RECEIVABLE)
        )


def _held_outside_cells(held: Sequence[Position], instrument: str) -> Decimal:
    return sum((p.qty for p in held if p.instrument == instrument and not p.is_cell), ZERO)
