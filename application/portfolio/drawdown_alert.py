"""NAV marks on their way into the store, and the alert that one lies too far below the peak.

An account alerts once per fall: again only after its drawdown was back within the tolerance of the
configuration and leaves it anew. A changed tolerance alone raises nothing.
"""

from collections.abc import Sequence

from application.portfolio.recording import account_event
from application.ports.report_repositories import StoredNavMark
from application.ports.unit_of_work import UnitOfWork
from application.risk.effective_configuration import desktop_configuration
from domain.risk.nav import UnitNav
from domain.shared.decimals import fraction, plain
from domain.shared.instants import rfc3339

CODE = "drawdown_tolerance_exceeded"


def record_marks(before: UnitNav, marks: Sequence[StoredNavMark], work: UnitOfWork) -> None:
    """Store marks that follow `before` in time, and alert for each that leaves the tolerance."""
    work.nav_marks.put(marks)
    alert_crossings(before, marks, work)


def alert_crossings(before: UnitNav, marks: Sequence[StoredNavMark], work: UnitOfWork) -> None:
    """An alert per mark whose drawdown exceeds the tolerance where the one before it did not."""
    if all(mark.state.drawdown <= before.drawdown for mark in marks):
        return
    tolerance = desktop_configuration(work).performance_targets.max_drawdown_tolerance
    events = []
    for mark in marks:
        if before.drawdown <= tolerance < mark.state.drawdown:
            message = (
                f"The account is {plain(fraction(mark.state.drawdown) * 100)} % below its peak; "
                f"{plain(tolerance * 100)} % is tolerated."
            )
            about = {
                "code": CODE,
                "drawdown": mark.state.drawdown,
                "tolerance": tolerance,
                "nav": mark.state.nav,
                "high_water_mark": mark.state.high_water_mark,
                "marked_at": rfc3339(mark.mark.at),
            }
            event = account_event("alert_raised", mark.account_id, work.now, message, inputs=about)
            events.append(event)
        before = mark.state
    if events:
        work.events.append(events)


def changes_side(before: UnitNav, after: UnitNav, work: UnitOfWork) -> bool:
    """Whether the drawdown left the tolerance, or came back within it."""
    if before.drawdown == after.drawdown:
        return False
    tolerance = desktop_configuration(work).performance_targets.max_drawdown_tolerance
    return (before.drawdown > tolerance) != (after.drawdown > tolerance)
