"""Wires the simulation account: its market on paper, its use cases, its prices."""

from datetime import timedelta

from dishka import Provider, Scope, provide

from app.settings import Settings
from application.ports.candles import CandleReader
from application.ports.ids import Ids
from application.ports.simulation import PaperMarkets, PriceFeed
from application.simulation.apply_prices import ApplyPrices, EquityKeeping
from application.simulation.book_news import BookNews
from application.simulation.confirmations import Confirmer
from application.simulation.end_paper_trades import CancelPaperOrder, ClosePaperPosition
from application.simulation.equity_ring import EquityRing
from application.simulation.open_runs import OpenSimulation
from application.simulation.paper_desk import OpenDesk
from application.simulation.paper_orders import EndPaperOrder
from application.simulation.replay_bars import ReplayBars
from application.simulation.runs import (
    ResetSimulation,
    ResumeSimulation,
    StartSimulation,
)
from application.simulation.submit_paper_order import SubmitPaperOrder
from domain.portfolio.simulation_run import SimulationSettings
from infrastructure.exchanges.paper.markets import PaperMarketsFromSnapshots
from infrastructure.market_data.no_feed import NoFeed


def run_settings(settings: Settings) -> SimulationSettings:
    """Costs and limits of runs that start from now on."""
    return SimulationSettings(
        commission_rate=settings.simulation_commission,
        slippage=settings.simulation_slippage,
        tick_seconds=settings.simulation_tick_seconds,
        price_age_max_s=settings.simulation_price_age_max_s,
        max_positions=settings.simulation_max_positions,
        risk_per_trade=settings.simulation_risk_per_trade,
        min_reward_risk=settings.simulation_min_reward_risk,
        require_stop_loss=settings.simulation_require_stop_loss,
    )


class Simulation(Provider):
    """One of each per process of the service."""

    scope = Scope.APP

    end_order = provide(EndPaperOrder)
    open_desk = provide(OpenDesk)
    book_news = provide(BookNews)
    submit = provide(SubmitPaperOrder)
    cancel = provide(CancelPaperOrder)
    close = provide(ClosePaperPosition)
    replay = provide(ReplayBars)
    confirmer = provide(Confirmer)

    @provide
    def markets(self) -> PaperMarkets:
        return PaperMarketsFromSnapshots()

    @provide
    def feed(self) -> PriceFeed:
        return NoFeed()

    @provide
    def settings_of_runs(self, settings: Settings) -> SimulationSettings:
        return run_settings(settings)

    @provide
    def opening(
        self, ids: Ids, run_settings: SimulationSettings, settings: Settings
    ) -> OpenSimulation:
        return OpenSimulation(ids, run_settings, settings.simulation_initial_capital)

    @provide
    def start(self, candles: CandleReader, run_settings: SimulationSettings) -> StartSimulation:
        return StartSimulation(candles, run_settings)

    @provide
    def resume(self, start: StartSimulation, settings: Settings) -> ResumeSimulation:
        return ResumeSimulation(start, autostart=settings.simulation_autostart)

    @provide
    def reset(
        self,
        ids: Ids,
        run_settings: SimulationSettings,
        settings: Settings,
        end_order: EndPaperOrder,
    ) -> ResetSimulation:
        return ResetSimulation(ids, run_settings, settings.simulation_initial_capital, end_order)

    @provide
    def apply(self, open_desk: OpenDesk, book_news: BookNews, settings: Settings) -> ApplyPrices:
        keeping = EquityKeeping(
            fine=timedelta(seconds=settings.simulation_equity_fine_seconds),
            coarse=timedelta(seconds=settings.simulation_equity_coarse_seconds),
            fine_kept=timedelta(days=settings.simulation_equity_fine_days),
        )
        return ApplyPrices(open_desk, book_news, keeping)

    @provide
    def ring(self, settings: Settings) -> EquityRing:
        return EquityRing(settings.simulation_equity_points)
