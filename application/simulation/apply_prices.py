"""Apply prices to a run: match its orders, book the fills, mark the equity, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from application.ports.simulation import Resolution
from application.ports.unit_of_work import UnitOfWork
from application.simulation.book_news import BookNews
from application.simulation.paper_desk import OpenDesk
from application.simulation.valuation import value_run
from application.simulation.watched import watched_symbols
from domain.market.price_event import PriceBar, PriceTick, price_problem
from domain.portfolio.account import Account
from domain.portfolio.simulation_run import EquityPoint, Replay, SimulationRun
from domain.shared.decimals import ZERO

PriceEvent = PriceTick | PriceBar


@dataclass(frozen=True, slots=True)
class Applied:
    """The run afterwards and its equity on the way, one point per bar and one at the end;
    `ignored` counts prices older than one known before, prices too old at their receipt and
    prices of instruments nobody watches.
    """

    run: SimulationRun
    points: tuple[EquityPoint, ...]
    applied: int
    ignored: int


@dataclass(frozen=True, slots=True)
class EquityKeeping:
    """How far apart equity points are stored, and for how long the fine ones."""

    fine: timedelta = timedelta(minutes=1)
    coarse: timedelta = timedelta(hours=1)
    fine_kept: timedelta = timedelta(days=7)

    def start_of(self, resolution: Resolution, at: datetime) -> datetime:
        """Start of the interval `at` lies in, counted from midnight UTC."""
        every = self.fine if resolution is Resolution.FINE else self.coarse
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (at - midnight) // every * every


BY_THE_MINUTE = EquityKeeping()


class ApplyPrices:
    """Conflict `simulation_stopped`. The order of the events is the order of matching."""

    def __init__(
        self,
        open_desk: OpenDesk,
        book_news: BookNews,
        keeping: EquityKeeping = BY_THE_MINUTE,
    ) -> None:
        self._open_desk = open_desk
        self._book = book_news
        self._keeping = keeping

    def __call__(
        self, events: Sequence[PriceEvent], work: UnitOfWork, replay: Replay | None = None
    ) -> Applied:
        """`replay` is where the replay stands once the events are applied."""
        run = work.simulation.runs.current()
        run.require_running()
        if run.has_played_out and not events and replay in (None, run.replay):
            return Applied(run, (), 0, 0)
        account, watched = work.accounts.simulation(), watched_symbols(run, work)
        known = {tick.instrument: tick for tick in work.simulation.prices.of_run(run.id)}
        ignored, notional = 0, ZERO
        points: list[EquityPoint] = []
        for event in events:
            before = known.get(event.instrument)
            is_watched = not watched or event.instrument in watched
            if not is_watched or _is_late(event, before) or _is_stale(event, run, work.now):
                ignored += 1
                continue
            notional += self._match(event, before, run, account, work)
            tick = event if isinstance(event, PriceTick) else event.close_tick()
            known[event.instrument] = tick
            work.simulation.prices.put(run.id, [tick])
            if isinstance(event, PriceBar):
                points += self._marked(run, account, event.closes_at, work)
        notional += self._expire(run, account, work)
        run = run.ticked(work.now, notional, replay or run.replay)
        work.simulation.runs.save(run)
        at = run.clock(work.now)
        if not points or points[-1].at != at:
            points += self._marked(run, account, at, work)
        return Applied(run, tuple(points), len(events) - ignored, ignored)

    def _match(
        self,
        event: PriceEvent,
        before: PriceTick | None,
        run: SimulationRun,
        account: Account,
        work: UnitOfWork,
    ) -> Decimal:
        desk = self._open_desk(run, account, event.instrument, work, before)
        if not desk.resting and (desk.position is None or desk.position.qty == 0):
            return ZERO
        market = desk.market
        answer = market.on_tick(event) if isinstance(event, PriceTick) else market.on_bar(event)
        return self._book(answer.news, desk, work)

    def _marked(
        self, run: SimulationRun, account: Account, at: datetime, work: UnitOfWork
    ) -> list[EquityPoint]:
        """Store the equity at the instant; none while a held symbol has no price."""
        point = value_run(run, account, work).point(at)
        if point is None:
            return []
        equity = work.simulation.equity
        for resolution in Resolution:
            equity.put(run.id, resolution, self._keeping.start_of(resolution, at), point)
        equity.forget_fine_before(run.id, at - self._keeping.fine_kept)
        return [point]

    def _expire(self, run: SimulationRun, account: Account, work: UnitOfWork) -> Decimal:
        """End orders whose end has come, without waiting for a price of theirs."""
        at = run.clock(work.now)
        due = {
            resting.ticket.instrument
            for resting in work.simulation.tickets.resting(run.id)
            if resting.ticket.expires_at is not None and resting.ticket.expires_at <= at
        }
        notional = ZERO
        for instrument in sorted(due):
            desk = self._open_desk(run, account, instrument, work)
            notional += self._book(desk.market.expire_due(at).news, desk, work)
        return notional


def _is_stale(event: PriceEvent, run: SimulationRun, now: datetime) -> bool:
    """A quote nobody would accept an order against executes no stop either; bars have no age."""
    if isinstance(event, PriceBar):
        return False
    age_max_s = Decimal(run.settings.price_age_max_s)
    return price_problem(event, run.clock(now), age_max_s) is not None


def _is_late(event: PriceEvent, before: PriceTick | None) -> bool:
    if before is None:
        return False
    if isinstance(event, PriceTick):
        return event.at < before.at
    return event.closes_at <= before.at
