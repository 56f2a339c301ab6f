"""From runs, valuations and orders to answers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal

from app.api.simulation import schemas as s
from application.simulation.overview import Overview
from application.simulation.performance import RunPerformance
from application.simulation.runs import Reset
from application.simulation.valuation import Valuation, ValuedHolding
from domain.portfolio.margin import liquidation_price
from domain.portfolio.round_trip import RoundTrip
from domain.portfolio.simulation_run import EquityPoint, SimulationRun
from domain.shared.decimals import ZERO, cash, divide, fraction
from domain.shared.side import Side

PRICE_STEP = Decimal("1e-12")
NO_PRICE = "no_price"


def status_out(view: Overview) -> s.SimulationStatusOut:
    """The simulation now."""
    run, value, counts = view.run, view.value, view.counts
    missing = ("equity", "portfolio_value") if value.equity is None else ()
    return s.SimulationStatusOut(
        running=run.is_running,
        run_id=run.id,
        account_id=run.account_id,
        started_at=run.started_at,
        initial_capital=run.initial_capital,
        portfolio_value=value.equity,
        equity=value.equity,
        cash=value.wallet,
        positions_count=len(value.holdings),
        open_orders_count=counts.working,
        orders_count=counts.submitted,
        stats=s.OrderStatsOut(
            submitted=counts.submitted,
            filled=counts.filled,
            cancelled=counts.cancelled,
            rejected=counts.rejected,
            volume_quote=run.volume_quote,
            commission=value.fees,
        ),
        price_source=run.price_source,
        price_pairs=list(view.price_pairs),
        replay=_replay_out(run),
        last_tick_at=run.last_tick_at,
        feed_status=view.feed_status,
        unprotected_positions=list(view.unprotected),
        reasons=dict.fromkeys(missing, NO_PRICE),
    )


def _replay_out(run: SimulationRun) -> s.ReplayOut | None:
    replay = run.replay
    if replay is None:
        return None
    return s.ReplayOut(
        dataset=replay.dataset,
        interval=replay.interval,
        speed=replay.speed,
        played_to=replay.played_to,
        ended=replay.ended,
    )


def run_out(run: SimulationRun) -> s.RunOut:
    """One run."""
    return s.RunOut(
        run_id=run.id,
        status="archived" if run.archived_at else run.status.value,
        price_source=run.price_source,
        symbols=list(run.symbols),
        initial_capital=run.initial_capital,
        settings=s.RunSettingsOut(**asdict(run.settings)),
        created_at=run.created_at,
        started_at=run.started_at,
        stopped_at=run.stopped_at,
        archived_at=run.archived_at,
        summary=None if run.summary is None else _summary_out(run.summary),
    )


def _summary_out(summary: Mapping[str, object]) -> s.RunSummaryOut:
    return s.RunSummaryOut.model_validate(dict(summary))


def reset_out(reset: Reset) -> s.ResetOut:
    """What a reset did."""
    return s.ResetOut(
        run_id=reset.run.id,
        archived_run=s.ArchivedRunOut(
            run_id=reset.archived.id, summary=_summary_out(reset.archived.summary or {})
        ),
        initial_capital=reset.run.initial_capital,
    )


def portfolio_out(
    view: Overview, daily_pnl: Decimal | None, daily_reason: str | None
) -> s.PaperPortfolioOut:
    """The account in figures."""
    value, capital = view.value, view.run.initial_capital
    total = None if value.equity is None else value.equity - value.flows
    held = sum((_notional(h) or ZERO for h in value.holdings), ZERO)
    reasons = {}
    if value.equity is None:
        names = (
            "total_value", "positions_value", "unrealized_pnl", "total_pnl", "return", "available",
        )  # fmt: skip
        reasons = dict.fromkeys(names, NO_PRICE)
    if daily_reason is not None:
        reasons["daily_pnl"] = daily_reason
    return s.PaperPortfolioOut.model_validate(
        {
            "total_value": value.equity,
            "cash": value.wallet,
            "positions_value": None if value.unpriced else held,
            "unrealized_pnl": value.unrealized_pnl,
            "realized_pnl": value.realized_pnl,
            "total_pnl": total,
            "return": None if total is None else fraction(divide(total, capital)),
            "daily_pnl": daily_pnl,
            "fees": value.fees,
            "funding": value.funding,
            "used_margin": value.used_margin,
            "order_margin": value.order_margin,
            "available": value.available,
            "currency": view.account.base_currency,
            "reasons": reasons,
        }
    )


def positions_out(view: Overview) -> s.PaperPositionsOut:
    """Open positions by symbol."""
    holdings = sorted(view.value.holdings, key=lambda h: h.position.instrument)
    return s.PaperPositionsOut(items=[_position_out(h, view.unprotected) for h in holdings])


def _notional(holding: ValuedHolding) -> Decimal | None:
    return None if holding.mark is None else cash(holding.position.qty * holding.mark)


def _position_out(holding: ValuedHolding, unprotected: Sequence[str]) -> s.PaperPositionOut:
    position, trip, tick = holding.position, holding.trip, holding.tick
    cost = position.basis.cost or ZERO
    liquidation = liquidation_price(position.qty, cost, holding.leverage)
    reasons = {}
    if holding.mark is None:
        reasons = dict.fromkeys(("mark", "notional", "unrealized_pnl"), NO_PRICE)
    if liquidation is None:
        reasons["liquidation_price"] = "never_liquidated"
    return s.PaperPositionOut(
        id=position.id,
        symbol=position.instrument,
        side=Side.BUY if position.qty > 0 else Side.SELL,
        qty=position.qty,
        avg_entry_price=position.basis.avg_cost or ZERO,
        mark=holding.mark,
        price_source=None if tick is None else tick.source,
        price_as_of=None if tick is None else tick.at,
        notional=_notional(holding),
        unrealized_pnl=holding.unrealized_pnl,
        realized_pnl=trip.realized_pnl if trip else ZERO,
        fees=trip.fees if trip else ZERO,
        margin=holding.margin,
        leverage=holding.leverage,
        liquidation_price=None if liquidation is None else liquidation.quantize(PRICE_STEP),
        opened_at=trip.opened_at if trip else position.opened_at,
        is_protected=position.instrument not in unprotected,
        reasons=reasons,
    )


def trade_out(trip: RoundTrip) -> s.PaperTradeOut:
    """A closed round trip."""
    reasons = {} if trip.r_multiple is not None else {"r_multiple": "no_initial_risk"}
    return s.PaperTradeOut.model_validate(
        {
            "id": trip.id,
            "symbol": trip.instrument,
            "side": trip.side,
            "qty": trip.entry_qty,
            "entry_price": trip.entry_price,
            "exit_price": trip.exit_price,
            "opened_at": trip.opened_at,
            "closed_at": trip.closed_at,
            "realized_pnl": trip.realized_pnl,
            "fees": trip.fees,
            "slippage": trip.slippage,
            "funding": trip.funding,
            "net_pnl": trip.net_pnl,
            "return": trip.return_fraction,
            "exit_reason": trip.exit_reason,
            "stop_price": trip.stop_price,
            "risk": trip.risk,
            "r_multiple": trip.r_multiple,
            "reasons": reasons,
        }
    )


def performance_out(found: RunPerformance, value: Valuation) -> s.PaperPerformanceOut:
    """Trades and daily equity in figures."""
    trades, nav = found.trades, found.nav
    reasons = {**trades.reasons, **nav.reasons, **found.book.reasons}
    if "average_return" in reasons:
        reasons["avg_return_per_trade"] = reasons.pop("average_return")
    if value.equity is None:
        reasons["total_return"] = reasons["open_pnl"] = NO_PRICE
    return s.PaperPerformanceOut(
        total_trades=trades.total_trades,
        active_positions=len(value.holdings),
        total_return=None if value.equity is None else nav.total_return,
        sum_return=trades.sum_return,
        avg_return_per_trade=trades.average_return,
        win_rate=trades.win_rate,
        max_win=trades.best_return,
        max_loss=trades.worst_return,
        current_drawdown=-nav.current_drawdown,
        max_drawdown=nav.max_drawdown,
        drawdown_days=nav.drawdown_days,
        recovery_days=nav.recovery_days,
        trade_curve_drawdown=trades.curve_drawdown,
        sharpe_ratio=nav.sharpe_ratio,
        sortino_ratio=nav.sortino_ratio,
        annualized_return=nav.annualized_return,
        calmar_ratio=nav.calmar_ratio,
        profit_factor=trades.profit_factor,
        expectancy_r=trades.expectancy_r,
        exposure=found.book.exposure,
        heat=found.book.heat,
        open_pnl=value.unrealized_pnl,
        total_fees=value.fees,
        daily_returns=nav.daily_returns,
        reasons=reasons,
    )


def equity_out(run_id: str, points: Sequence[EquityPoint]) -> s.EquityCurveOut:
    """The curve in columns."""
    return s.EquityCurveOut(
        run_id=run_id,
        at=[p.at for p in points],
        equity=[p.equity for p in points],
        cash=[p.cash for p in points],
        unrealized_pnl=[p.unrealized_pnl for p in points],
        realized_pnl=[p.realized_pnl for p in points],
    )
