"""Wallet and margin of a paper account, kept as running sums: a price of one symbol changes only
that symbol's part, so equity after an event costs the same with one symbol as with thousands.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from application.ports.paper_market import EquityPoint
from domain.portfolio.margin import available_margin, isolated_margin, unrealized_pnl
from domain.shared.decimals import ZERO
from infrastructure.exchanges.paper.symbol_book import SymbolBook


@dataclass(frozen=True, slots=True)
class _Part:
    used: Decimal = ZERO
    orders: Decimal = ZERO
    unrealized: Decimal = ZERO


_NOTHING = _Part()


class PaperAccount:
    """Exact decimals, so that running sums never drift from sums made afresh."""

    def __init__(self, wallet: Decimal) -> None:
        self.wallet = wallet
        self._parts: dict[str, _Part] = {}
        self._unpriced: set[str] = set()
        self._used = self._orders = self._unrealized = ZERO

    def refresh(self, book: SymbolBook) -> None:
        """Replace the symbol's part of every sum by what its book says now."""
        before = self._parts.get(book.instrument, _NOTHING)
        used = unrealized = ZERO
        priced = True
        if book.position is not None:
            basis = book.position.basis
            mark = None if book.tick is None else book.tick.valuation
            priced = mark is not None
            used = isolated_margin(basis.cost or ZERO, book.position.leverage)
            if mark is not None:
                unrealized = unrealized_pnl(basis.qty, basis.cost or ZERO, mark)
        is_stale = book.is_margin_stale or book.has_waiting
        orders = book.margin_of_orders() if is_stale else before.orders
        book.is_margin_stale = False
        self._used += used - before.used
        self._orders += orders - before.orders
        self._unrealized += unrealized - before.unrealized
        self._parts[book.instrument] = _Part(used, orders, unrealized)
        if priced:
            self._unpriced.discard(book.instrument)
        else:
            self._unpriced.add(book.instrument)

    def point(self, at: datetime) -> EquityPoint:
        """Equity of the marks known now; null while a held symbol has no price."""
        if self._unpriced:
            return EquityPoint(
                at, self.wallet, self._used, self._orders, None, None, None,
                tuple(sorted(self._unpriced)),
            )  # fmt: skip
        equity = self.wallet + self._unrealized
        available = available_margin(equity, self._used, self._orders)
        return EquityPoint(
            at, self.wallet, self._used, self._orders, self._unrealized, equity, available
        )
