"""Counts and ratios of closed trades. All figures are fractions or money; a null one has its
reason under the field's name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.portfolio.trades import Trade
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


def trade_statistics(trades: Sequence[Trade]) -> TradeStatistics:
    """Statistics of closed trades in any order; the trade curve runs in the order of closing."""
    ordered = sorted(trades, key=lambda t: (t.closed_at, t.position_id))
    returns = [trade.r for trade in ordered]
    reasons: dict[str, str] = {}
    total = sum(returns, ZERO)
    wins, losses = sum(r > 0 for r in returns), sum(r < 0 for r in returns)
    if not ordered:
        reasons["average_return"] = NO_TRADES
    return TradeStatistics(
        total_trades=len(ordered),
        winning_trades=wins,
        losing_trades=losses,
        sum_return=fraction(total),
        average_return=fraction(divide(total, Decimal(len(ordered)))) if ordered else None,
        win_rate=_win_rate(wins, losses, len(ordered), reasons),
        best_return=fraction(max(returns, default=ZERO).max(ZERO)),
        worst_return=fraction(min(returns, default=ZERO).min(ZERO)),
        curve_drawdown=_curve_drawdown(returns),
        profit_factor=_profit_factor(ordered, reasons),
        expectancy_r=_expectancy_r(ordered, reasons),
        total_fees=sum((trade.fees for trade in ordered), ZERO),
        by_regime=_by_regime(ordered, returns),
        reasons=reasons,
    )


def _win_rate(wins: int, losses: int, trades: int, reasons: dict[str, str]) -> Decimal | None:
    if wins + losses == 0:
        reasons["win_rate"] = "no_wins_or_losses" if trades else NO_TRADES
        return None
    return fraction(divide(Decimal(wins), Decimal(wins + losses)))


def _curve_drawdown(returns: Iterable[Decimal]) -> Decimal:
    level = peak = ONE
    deepest = ZERO
    for r in returns:
        level *= max(ONE + r, ZERO)
        if level > peak:
            peak = level
        else:
            deepest = max(deepest, ONE - level / peak)
    return fraction(deepest)


def _profit_factor(trades: Sequence[Trade], reasons: dict[str, str]) -> Decimal | None:
    gains = sum((t.net_pnl for t in trades if t.net_pnl > 0), ZERO)
    losses = sum((-t.net_pnl for t in trades if t.net_pnl < 0), ZERO)
    if losses == 0:
        reasons["profit_factor"] = "no_losses" if trades else NO_TRADES
        return None
    return fraction(divide(gains, losses))


def _expectancy_r(trades: Sequence[Trade], reasons: dict[str, str]) -> Decimal | None:
    multiples = [m for m in (trade.r_multiple for trade in trades) if m is not None]
    if not multiples:
        reasons["expectancy_r"] = "no_initial_risk" if trades else NO_TRADES
        return None
    return fraction(divide(sum(multiples, ZERO), Decimal(len(multiples))))


def _by_regime(trades: Sequence[Trade], returns: Sequence[Decimal]) -> tuple[RegimeStatistics, ...]:
    groups: dict[str, list[Decimal]] = {}
    for trade, r in zip(trades, returns, strict=True):
        groups.setdefault(trade.regime_at_entry or UNKNOWN_REGIME, []).append(r)
    return tuple(_regime(name, groups[name]) for name in sorted(groups))


def _regime(name: str, returns: Sequence[Decimal]) -> RegimeStatistics:
    wins, losses = sum(r > 0 for r in returns), sum(r < 0 for r in returns)
    total = sum(returns, ZERO)
    return RegimeStatistics(
        regime=name,
        trades=len(returns),
        win_rate=_win_rate(wins, losses, len(returns), {}),
        average_return=fraction(divide(total, Decimal(len(returns)))),
        sum_return=fraction(total),
    )
