"""Events of the simulation in the one shape every event has."""

from collections.abc import Mapping

from application.portfolio.recording import POSITION
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.simulation_run import SimulationRun
from domain.shared.events import NewEvent, explained

RUN = "simulation_run"


def run_event(
    kind: str,
    run: SimulationRun,
    work: UnitOfWork,
    message: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Mapping[str, object] | None = None,
) -> None:
    """A fact about a run."""
    data = explained(message, inputs=inputs or {}, outputs=outputs or {})
    work.events.append([NewEvent(kind, RUN, run.id, run.account_id, data, work.now)])


def paper_event(
    kind: str,
    position_id: str,
    run: SimulationRun,
    work: UnitOfWork,
    message: str,
    *,
    inputs: Mapping[str, object] | None = None,
    outputs: Mapping[str, object] | None = None,
) -> None:
    """A fact about a position on paper."""
    data = explained(message, inputs=inputs or {}, outputs={"run_id": run.id, **(outputs or {})})
    work.events.append([NewEvent(kind, POSITION, position_id, run.account_id, data, work.now)])
