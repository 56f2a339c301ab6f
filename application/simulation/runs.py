"""Open, start, stop and reset runs of the simulation account."""

from dataclasses import dataclass, replace
from decimal import Decimal

from application.ports.candles import CandleReader
from application.ports.ids import Ids
from application.ports.order_repositories import OrderFilter
from application.ports.unit_of_work import UnitOfWork
from application.simulation.open_runs import open_run
from application.simulation.paper_orders import EndPaperOrder
from application.simulation.recording import run_event
from application.simulation.valuation import Valuation, value_run
from application.simulation.watched import exposed_symbols
from domain.portfolio.confirmation import ConfirmationStatus
from domain.portfolio.simulation_run import (
    CAPITAL_MAX,
    CAPITAL_MIN,
    PriceSource,
    Replay,
    SimulationRun,
    SimulationSettings,
)
from domain.shared.errors import Conflict, Fault, FieldFault, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Which stored candles to play, how many times as fast as they happened."""

    dataset: str
    speed: Decimal


@dataclass(frozen=True, slots=True)
class StartRequest:
    """`symbols` empty: every instrument the source has prices for."""

    source: PriceSource | None = None
    symbols: tuple[str, ...] = ()
    replay: ReplayRequest | None = None


class StartSimulation:
    """Conflict `already_running`, `run_not_flat`; NotFound `unknown_series`; Invalid when terms do
    not fit.
    """

    def __init__(self, candles: CandleReader, settings: SimulationSettings) -> None:
        self._candles = candles
        self._settings = settings

    def __call__(self, request: StartRequest, work: UnitOfWork) -> SimulationRun:
        run = work.simulation.runs.current()
        source = request.source or run.price_source
        replay, symbols = self._replay(source, request, run, work), request.symbols
        if replay is not None:
            symbols = (self._candles.describe(replay.dataset).key.instrument,)
        started = replace(run.started(source, symbols, replay, work.now), settings=self._settings)
        if (run.price_source, _dataset(run)) != (source, _dataset(started)):
            if source is PriceSource.REPLAY:
                _require_flat(run, work)
            work.simulation.prices.forget(run.id)
        work.simulation.runs.save(started)
        run_event(
            "simulation_started",
            started,
            work,
            f"The simulation runs on {source.value} prices.",
            inputs={
                "price_source": source.value,
                "symbols": list(symbols),
                "dataset": replay.dataset if replay else None,
            },
        )
        return started

    def _replay(
        self, source: PriceSource, request: StartRequest, run: SimulationRun, work: UnitOfWork
    ) -> Replay | None:
        wanted = request.replay
        if source is not PriceSource.REPLAY:
            if wanted is not None:
                raise _misfit("not_used", f"not used by {source.value}")
            return None
        if wanted is None:
            if run.replay is None:
                raise _misfit("missing", "name the dataset and the speed")
            return run.replay.resumed(work.now)
        if run.replay is not None and run.replay.dataset == wanted.dataset:
            return replace(run.replay.resumed(work.now), speed=wanted.speed)
        series = self._candles.describe(wanted.dataset)
        return Replay(
            dataset=series.key.id,
            interval=series.key.interval,
            speed=wanted.speed,
            data_from=series.first_open,
            wall_from=work.now,
            played_to=series.first_open,
        )


def _dataset(run: SimulationRun) -> str | None:
    return None if run.replay is None else run.replay.dataset


def _require_flat(run: SimulationRun, work: UnitOfWork) -> None:
    """A replay has one instrument and a time of its own: what rests or is held from elsewhere
    would never be matched by it, or by prices of another decade.
    """
    exposed = sorted(exposed_symbols(run, work))
    if exposed:
        raise Conflict(
            "run_not_flat",
            "Cancel the orders and close the positions before another replay begins; or reset.",
            context={"symbols": exposed},
        )


def _misfit(code: str, message: str) -> Invalid:
    return Invalid(
        "invalid_request",
        "The replay does not fit the price source.",
        errors=(FieldFault("/replay", code, message),),
    )


def stop_simulation(work: UnitOfWork) -> SimulationRun:
    """Conflict `already_stopped`. Orders stay; none is matched until the next start."""
    stopped = work.simulation.runs.current().stopped(work.now)
    work.simulation.runs.save(stopped)
    run_event("simulation_stopped", stopped, work, "The simulation was stopped.")
    return stopped


class ResumeSimulation:
    """After a restart: a run stays stopped until somebody starts it, or goes on by setting."""

    def __init__(self, start: StartSimulation, *, autostart: bool) -> None:
        self._start = start
        self._autostart = autostart

    def if_opened(self, work: UnitOfWork) -> None:
        """Nothing to resume before the very first start is through."""
        try:
            work.simulation.runs.current()
        except NotFound:
            return
        self(work)

    def __call__(self, work: UnitOfWork) -> SimulationRun:
        run = work.simulation.runs.current()
        if run.is_running:
            run = stop_simulation(work)
        if not self._autostart:
            return run
        try:
            return self._start(StartRequest(symbols=run.symbols), work)
        except Fault as fault:
            # The candles it played may be gone: that keeps nobody from using the service.
            run_event(
                "simulation_not_started",
                run,
                work,
                f"The simulation did not start with the service: {fault.message}",
                outputs={"code": fault.code},
            )
            return run


@dataclass(frozen=True, slots=True)
class Reset:
    """The archived run and the new one."""

    archived: SimulationRun
    run: SimulationRun


class ResetSimulation:
    """Stops, archives and opens a new, flat run with full capital. Invalid for a capital outside
    100 to 1e9.
    """

    def __init__(
        self,
        ids: Ids,
        settings: SimulationSettings,
        initial_capital: Decimal,
        end_order: EndPaperOrder,
    ) -> None:
        self._ids = ids
        self._settings = settings
        self._capital = initial_capital
        self._end = end_order

    def __call__(self, capital: Decimal | None, work: UnitOfWork) -> Reset:
        wanted = self._capital if capital is None else capital
        if not CAPITAL_MIN <= wanted <= CAPITAL_MAX:
            fault = FieldFault("/initial_capital", "out_of_range", "100 to 1000000000")
            raise Invalid("invalid_request", "The capital is out of range.", errors=(fault,))
        account = work.accounts.simulation()
        run = work.simulation.runs.current()
        for resting in work.simulation.tickets.resting(run.id):
            self._end.archive(resting, run, work)
        for confirmation in work.simulation.confirmations.pending():
            ended = confirmation.decided(
                ConfirmationStatus.REJECTED, work.now, reason="run_archived"
            )
            work.simulation.confirmations.put(ended)
        valuation = value_run(run, account, work)
        archived = run.archived(summary_of(run, valuation, work), work.now)
        work.simulation.runs.save(archived)
        run_event(
            "simulation_run_archived",
            archived,
            work,
            "The run was archived; its rows stay readable.",
            outputs={"summary": dict(archived.summary or {})},
        )
        return Reset(archived, open_run(account, wanted, self._settings, self._ids, work))


def summary_of(run: SimulationRun, value: Valuation, work: UnitOfWork) -> dict[str, object]:
    """What came of a run; null where a price is missing."""
    book = work.simulation
    closed = book.trips.count_closed(run.id)
    return {
        "initial_capital": run.initial_capital,
        "equity": value.equity,
        "realized_pnl": value.realized_pnl,
        "unrealized_pnl": value.unrealized_pnl,
        "fees": value.fees,
        "funding": value.funding,
        "volume_quote": run.volume_quote,
        "closed_trades": closed,
        "open_positions": len(value.holdings),
        "orders": book.orders.count(OrderFilter(account_id=run.id)),
    }
