"""What is open in a run now: how much of the equity it moves, and what its stops would cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from application.ports.unit_of_work import UnitOfWork
from application.simulation.valuation import Valuation, ValuedHolding
from domain.portfolio.account import Account
from domain.portfolio.order import OrderType
from domain.portfolio.simulation_run import SimulationRun
from domain.portfolio.ticket import RestingOrder
from domain.risk.open_risk import OpenPosition, OpenRisk, open_risk
from domain.shared.decimals import ZERO, divide, fraction

STOPS = (OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


@dataclass(frozen=True, slots=True)
class OpenBook:
    """`exposure` = Σ |q|·mark / equity, `heat` = Σ loss at stop / equity: fractions."""

    exposure: Decimal | None
    heat: Decimal | None
    reasons: dict[str, str]


def open_book(run: SimulationRun, account: Account, value: Valuation, work: UnitOfWork) -> OpenBook:
    """Null, with a reason, without a price or equity; heat also while a quantity has no stop."""
    resting = work.simulation.tickets.resting(run.id)
    rate = account.costs.commission_rate
    positions = [part for h in value.holdings for part in _parts(h, resting, rate)]
    gross = sum((abs(h.position.qty) * (h.mark or ZERO) for h in value.holdings), ZERO)
    if value.equity is None or value.equity <= 0:
        reason = "no_price" if value.equity is None else "equity_not_positive"
        return OpenBook(None, None, {"exposure": reason, "heat": reason})
    risk: OpenRisk = open_risk(positions, value.equity)
    reasons = {} if risk.reason is None else {"heat": risk.reason}
    return OpenBook(fraction(divide(gross, value.equity)), risk.value, reasons)


def _parts(
    holding: ValuedHolding, resting: Sequence[RestingOrder], fee_rate: Decimal
) -> Iterator[OpenPosition]:
    """The position cut up by the stops that rest for it; a rest without one has none."""
    qty = holding.position.qty
    sign, left = (1 if qty > 0 else -1), abs(qty)
    for order in resting:
        if left > 0 and _protects(order, holding):
            covered = min(left, order.open_qty)
            left -= covered
            yield OpenPosition(sign * covered, holding.mark, order.stop_price, fee_rate)
    if left > 0:
        yield OpenPosition(sign * left, holding.mark, None, fee_rate)


def _protects(order: RestingOrder, holding: ValuedHolding) -> bool:
    ticket, position = order.ticket, holding.position
    return (
        ticket.instrument == position.instrument
        and ticket.type in STOPS
        and ticket.reduce_only
        and ticket.side.sign * position.qty < 0
        and order.open_qty > 0
    )
