"""Counts and ratios of closed trades. All figures are fractions or money; a null one has its
reason under the field's name.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from domain.portfolio.trades import TradeResult
from domain.shared.decimals import ONE, ZERO, divide, fraction

NO_TRADES = "no_trades"
UNKNOWN_REGIME = "unknown"


@dataclass(frozen=True, slots=True)
class RegimeStatistics:
    """Trades that were opened in one regime."""

    regime: str
    trades: int
    win_rate: Decimal | None
    average_return: Decimal
    sum_return: Decimal


@dataclass(frozen=True, slots=True)
class TradeStatistics:
    """r = return of a trade after fees.

    `win_rate` = wins / trades with r ≠ 0; `best_return` = max(0, max r), `worst_return` =
    min(0, min r); `curve_drawdown` = largest fall of Π(1 + r) from its peak, starting at 1;
    `profit_factor` = Σ gains / Σ losses in money; `expectancy_r` = mean R multiple.
    """

    total_trades: int
    winning_trades: int
    losing_trades: int
    sum_return: Decimal
    average_return: Decimal | None
    win_rate: Decimal | None
    best_return: Decimal
    worst_return: Decimal
    curve_drawdown: Decimal
    profit_factor: Decimal | None
    expectancy_r: Decimal | None
    total_fees: Decimal
    by_regime: tuple[RegimeStatistics, ...]
    reasons: dict[str, str]


def trade_statistics(results: Iterable[TradeResult]) -> TradeStatistics:
    """Statistics of closed trades in the order of their closing."""
    tally = TradeTally()
    for result in results:
        tally.add(result)
    return tally.statistics()


@dataclass(slots=True)
class _Group:
    """Trades of one regime so far."""

    trades: int = 0
    wins: int = 0
    losses: int = 0
    total: Decimal = ZERO

    def add(self, r: Decimal) -> None:
        self.trades += 1
        self.wins += r > 0
        self.losses += r < 0
        self.total += r


@dataclass(slots=True)
class TradeTally:
    """Statistics of trades as they come, one after the other: what was counted is not kept.

    Trades in pieces and trades at once give the same figures.
    """

    _all: _Group = field(default_factory=_Group)
    _by_regime: dict[str, _Group] = field(default_factory=dict)
    _best: Decimal = ZERO
    _worst: Decimal = ZERO
    _level: Decimal = ONE
    _peak: Decimal = ONE
    _deepest: Decimal = ZERO
    _gains: Decimal = ZERO
    _losses: Decimal = ZERO
    _fees: Decimal = ZERO
    _multiples: int = 0
    _multiple_total: Decimal = ZERO

    def add(self, result: TradeResult) -> None:
        """Count one more trade."""
        r, net, multiple = result.r, result.net_pnl, result.r_multiple
        self._all.add(r)
        regime = result.regime_at_entry or UNKNOWN_REGIME
        self._by_regime.setdefault(regime, _Group()).add(r)
        self._best, self._worst = max(self._best, r), min(self._worst, r)
        self._fees += result.fees
        if net > 0:
            self._gains += net
        else:
            self._losses -= net
        if multiple is not None:
            self._multiples += 1
            self._multiple_total += multiple
        self._level *= max(ONE + r, ZERO)
        if self._level > self._peak:
            self._peak = self._level
        else:
            self._deepest = max(self._deepest, ONE - self._level / self._peak)

    def statistics(self) -> TradeStatistics:
        """The figures so far."""
        counted = self._all
        reasons: dict[str, str] = {}

        def ratio(name: str, over: Decimal, under: Decimal, why: str) -> Decimal | None:
            if under:
                return fraction(divide(over, under))
            reasons[name] = why if counted.trades else NO_TRADES
            return None

        return TradeStatistics(
            total_trades=counted.trades,
            winning_trades=counted.wins,
            losing_trades=counted.losses,
            sum_return=fraction(counted.total),
            average_return=ratio(
                "average_return", counted.total, Decimal(counted.trades), NO_TRADES
            ),
            win_rate=ratio("win_rate", *_decided(counted), "no_wins_or_losses"),
            best_return=fraction(self._best),
            worst_return=fraction(self._worst),
            curve_drawdown=fraction(self._deepest),
            profit_factor=ratio("profit_factor", self._gains, self._losses, "no_losses"),
            expectancy_r=ratio(
                "expectancy_r", self._multiple_total, Decimal(self._multiples), "no_initial_risk"
            ),
            total_fees=self._fees,
            by_regime=tuple(
                _regime(name, self._by_regime[name]) for name in sorted(self._by_regime)
            ),
            reasons=reasons,
        )


def _decided(group: _Group) -> tuple[Decimal, Decimal]:
    return Decimal(group.wins), Decimal(group.wins + group.losses)


def _regime(name: str, group: _Group) -> RegimeStatistics:
    wins, decided = _decided(group)
    return RegimeStatistics(
        regime=name,
        trades=group.trades,
        win_rate=fraction(divide(wins, decided)) if decided else None,
        average_return=fraction(divide(group.total, Decimal(group.trades))),
        sum_return=fraction(group.total),
    )
