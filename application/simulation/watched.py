"""Which instruments a run takes prices of: those that were named, and always those it is exposed
in, so that naming symbols never blinds a position or a resting order.
"""

from application.ports.repositories import Page, PositionFilter
from application.ports.unit_of_work import UnitOfWork
from application.simulation.valuation import POSITIONS_MAX
from domain.portfolio.position import PositionStatus
from domain.portfolio.simulation_run import SimulationRun


def exposed_symbols(run: SimulationRun, work: UnitOfWork) -> frozenset[str]:
    """Instruments with a position or a resting order."""
    where = PositionFilter(account_id=run.id, status=PositionStatus.OPEN.value)
    held = work.simulation.positions.list(where, Page(limit=POSITIONS_MAX))
    resting = work.simulation.tickets.resting(run.id)
    return frozenset(
        [*(p.instrument for p in held), *(order.ticket.instrument for order in resting)]
    )


def watched_symbols(run: SimulationRun, work: UnitOfWork) -> tuple[str, ...]:
    """By name; empty means every instrument the source has prices for."""
    if not run.symbols:
        return ()
    return tuple(sorted({*run.symbols, *exposed_symbols(run, work)}))
