"""Moves the simulation along: every few seconds it applies the prices that have come since.

Live prices come from the feed, replayed ones from stored candles; manual ones come over HTTP and
need no turn. Each batch is one command. While the run is stopped a turn does nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.ids import Ids
from application.ports.simulation import PriceFeed
from application.ports.unit_of_work import Store, UnitOfWork
from application.processes.periodic import Periodic
from application.simulation.apply_prices import Applied, ApplyPrices, PriceEvent
from application.simulation.confirmations import Confirmer
from application.simulation.equity_ring import EquityRing
from application.simulation.replay_bars import BARS_AT_ONCE, ReplayBars
from application.simulation.watched import watched_symbols
from domain.portfolio.simulation_run import PriceSource, Replay, SimulationRun
from domain.shared.errors import NotFound
from domain.shared.ids import Prefix

NAME = "simulation_engine"
COMMAND_WITHIN_S = 30.0
COMMANDS_PER_TURN = 40


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What a turn is made of."""

    apply: ApplyPrices
    replay: ReplayBars
    feed: PriceFeed
    ring: EquityRing
    confirmer: Confirmer


@dataclass(frozen=True, slots=True)
class EnginePorts:
    """What the engine stands on; `owner` tells whose run is moved."""

    store: Store
    parts: EngineParts
    clock: Clock
    ids: Ids
    owner: Callable[[], str]


class SimulationEngine:
    """`process` is its thread; `turn` is one step of it."""

    def __init__(self, ports: EnginePorts, tick_seconds: float) -> None:
        self._ports = ports
        self.process = Periodic(NAME, self.turn, tick_seconds, first_after_s=tick_seconds)

    def turn(self) -> None:
        """Apply what is due, in commands of a few bars; nothing while the run is stopped."""
        context = RequestContext(self._ports.owner(), NAME, self._ports.ids.new(Prefix.REQUEST))
        for _ in range(COMMANDS_PER_TURN):
            run = self._running(context)
            if run is None or self.process.is_stopping:
                return
            events, replay = self._due(run, context)
            self._apply(run, events, replay, context)
            if len(events) < BARS_AT_ONCE:
                return

    def _apply(
        self,
        run: SimulationRun,
        events: Sequence[PriceEvent],
        replay: Replay | None,
        context: RequestContext,
    ) -> None:
        parts, before = self._ports.parts, run.replay

        def command(work: UnitOfWork) -> Applied | None:
            now = work.simulation.runs.current()
            if now.id != run.id or not now.is_running or now.replay != before:
                # Another process played these bars, or somebody stopped the run meanwhile.
                return None
            parts.confirmer.expire(work)
            return parts.apply(events, work, replay)

        applied = self._ports.store.command(command, context).result(COMMAND_WITHIN_S)
        if applied is not None:
            for point in applied.points:
                parts.ring.note(applied.run.id, point)

    def _running(self, context: RequestContext) -> SimulationRun | None:
        try:
            run = self._ports.store.query(lambda work: work.simulation.runs.current(), context)
        except NotFound:
            return None
        return run if run.is_running else None

    def _due(
        self, run: SimulationRun, context: RequestContext
    ) -> tuple[Sequence[PriceEvent], Replay | None]:
        if run.price_source is PriceSource.REPLAY and run.replay is not None:
            due = self._ports.parts.replay.due(run.replay, self._ports.clock.now())
            return due.bars, due.replay
        if run.price_source is PriceSource.LIVE and self._ports.parts.feed.is_connected:
            watched = self._ports.store.query(lambda work: watched_symbols(run, work), context)
            return self._ports.parts.feed.newest(watched), None
        return (), None
