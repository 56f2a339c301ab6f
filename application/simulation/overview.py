"""Where the simulation stands: what it runs on, what it holds, what is not protected."""

from dataclasses import dataclass

from application.ports.order_repositories import OrderFilter
from application.ports.simulation import PriceFeed
from application.ports.unit_of_work import UnitOfWork
from application.simulation.open_book import STOPS
from application.simulation.valuation import Valuation, value_run
from application.simulation.watched import watched_symbols
from domain.portfolio.account import Account
from domain.portfolio.lifecycle import OPEN_STATUSES, OrderStatus
from domain.portfolio.simulation_run import PriceSource, SimulationRun


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """Orders of the run by outcome; `working` have not ended."""

    submitted: int
    filled: int
    cancelled: int
    rejected: int
    working: int


@dataclass(frozen=True, slots=True)
class Overview:
    """One look at a run."""

    run: SimulationRun
    account: Account
    value: Valuation
    counts: OrderCounts
    feed_status: str
    price_pairs: tuple[str, ...]
    unprotected: tuple[str, ...]


def run_named(run_id: str | None, work: UnitOfWork) -> SimulationRun:
    """The run, the current one when none is named; NotFound `run_not_found`."""
    runs = work.simulation.runs
    return runs.current() if run_id is None else runs.get(run_id)


def overview(feed: PriceFeed, work: UnitOfWork, run_id: str | None = None) -> Overview:
    """The named run of the owner, else the current one."""
    run = run_named(run_id, work)
    account = work.accounts.simulation()
    value = value_run(run, account, work)
    ticks = work.simulation.prices.of_run(run.id)
    return Overview(
        run=run,
        account=account,
        value=value,
        counts=_counts(run, work),
        feed_status=_feed_status(run, feed),
        price_pairs=tuple(
            sorted({*watched_symbols(run, work), *(tick.instrument for tick in ticks)})
        ),
        unprotected=_unprotected(run, value, work, is_matched=_is_matched(run, feed)),
    )


def _counts(run: SimulationRun, work: UnitOfWork) -> OrderCounts:
    def count(*statuses: OrderStatus) -> int:
        orders = work.simulation.orders
        return sum(orders.count(OrderFilter(run.id, status=s.value)) for s in statuses)

    return OrderCounts(
        submitted=work.simulation.orders.count(OrderFilter(run.id)),
        filled=count(OrderStatus.FILLED),
        cancelled=count(OrderStatus.CANCELLED, OrderStatus.EXPIRED),
        rejected=count(OrderStatus.REJECTED),
        working=count(*OPEN_STATUSES),
    )


def _feed_status(run: SimulationRun, feed: PriceFeed) -> str:
    if run.price_source is PriceSource.LIVE:
        return "connected" if feed.is_connected else "not_connected"
    if run.price_source is PriceSource.MANUAL:
        return "manual"
    return "replay_ended" if run.replay is not None and run.replay.ended else "replaying"


def _is_matched(run: SimulationRun, feed: PriceFeed) -> bool:
    """True while prices can come that orders are matched with."""
    if run.price_source is PriceSource.LIVE and not feed.is_connected:
        return False
    return run.is_running and not run.has_played_out


def _unprotected(
    run: SimulationRun, value: Valuation, work: UnitOfWork, *, is_matched: bool
) -> tuple[str, ...]:
    """Held symbols whose loss no order limits now: all of them while nothing is matched, and
    those no price can come for.
    """
    held = [holding.position.instrument for holding in value.holdings]
    if not is_matched:
        return tuple(sorted(held))
    stopped = {
        resting.ticket.instrument
        for resting in work.simulation.tickets.resting(run.id)
        if resting.ticket.type in STOPS
        and resting.ticket.reduce_only
        and resting.open_qty
        and (run.price_source is not PriceSource.REPLAY or run.watches(resting.ticket.instrument))
    }
    return tuple(sorted(set(held) - stopped))
