"""How many shares a trade may have: the smallest of six caps, floored to the lot.

Fixed fractional: `R = entry − stop + round-trip costs` per share is what one share loses when the
stop fills, and the trade may lose `equity · risk fraction · regime multiplier · drawdown throttle`.
The gate and the reports use this same R. Leverage never enters.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ONE, ZERO, divide, quantity_to_step
from domain.shared.errors import Invalid

THROTTLE_FROM = Decimal("0.5")
THROTTLE_LEAST = Decimal("0.25")


class Cap(StrEnum):
    """What can bind a size; the values are the published names, in their published order."""

    RISK_PER_TRADE = "risk_per_trade"
    MAX_POSITION_SIZE = "max_position_size"
    POSITION_CONCENTRATION_LIMIT = "position_concentration_limit"
    REQUESTED = "requested"
    BUYING_POWER = "buying_power"
    MAX_CORRELATION_EXPOSURE = "max_correlation_exposure"


class SizingWarning(StrEnum):
    """What a person should know beside the number."""

    POSITION_SIZE_CLIPPED = "position_size_clipped"
    CORRELATION_UNKNOWN = "correlation_unknown"
    UNPRICED_HOLDINGS = "unpriced_holdings"


@dataclass(frozen=True, slots=True)
class SizingLimits:
    """Fractions of equity. `max_drawdown` null: no drawdown throttle."""

    risk_per_trade: Decimal = Decimal("0.02")
    max_position_size: Decimal = ONE
    position_concentration_limit: Decimal = Decimal("0.2")
    max_correlation_exposure: Decimal = Decimal("0.1")
    max_drawdown: Decimal | None = Decimal("0.15")


@dataclass(frozen=True, slots=True)
class SizingBook:
    """The account at the instant of sizing.

    `held_qty`: already held in the instrument outside cells. `cluster_risk`: loss at the stops of
    the positions that move with it. `drawdown`: fraction below the peak of NAV, null while unknown.
    """

    equity: Decimal
    available_cash: Decimal
    held_qty: Decimal = ZERO
    cluster_risk: Decimal = ZERO
    drawdown: Decimal | None = ZERO
    warnings: tuple[SizingWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class TradeRisk:
    """One share of the trade: prices, costs per share of a whole round trip, and the entry fee."""

    entry: Decimal
    stop: Decimal
    round_trip_costs: Decimal = ZERO
    commission_rate: Decimal = ZERO

    @property
    def per_share(self) -> Decimal:
        """`R = entry − stop + round-trip costs`, money lost per share when the stop fills."""
        return self.entry - self.stop + self.round_trip_costs


@dataclass(frozen=True, slots=True)
class SizeWish:
    """What is asked for: a share of equity as upper bound, and the regime's risk multiplier."""

    requested: Decimal = ONE
    regime_multiplier: Decimal = ONE
    lot_step: Decimal = ONE


@dataclass(frozen=True, slots=True)
class CapQuantity:
    """One cap and the whole lots it allows; never negative."""

    name: Cap
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Size:
    """The answer: every cap with its quantity, and the one that binds.

    `risk_budget` is the money the trade may lose, `risk_money` what this quantity loses at the
    stop: never more.
    """

    quantity: Decimal
    notional: Decimal
    risk_money: Decimal
    risk_budget: Decimal
    per_share_risk: Decimal
    equity: Decimal
    caps: tuple[CapQuantity, ...]
    binding: Cap
    regime_multiplier: Decimal
    drawdown_multiplier: Decimal
    warnings: tuple[SizingWarning, ...]

    @property
    def applied_fraction(self) -> Decimal:
        """Notional / equity."""
        return divide(self.notional, self.equity)

    @property
    def risk_fraction(self) -> Decimal:
        """Loss at the stop / equity."""
        return divide(self.risk_money, self.equity)


def position_size(trade: TradeRisk, wish: SizeWish, limits: SizingLimits, book: SizingBook) -> Size:
    """Size of a long trade; quantity 0 when a cap leaves less than one lot.

    Invalid `invalid_stop` for a stop at or above the entry, `no_equity` for equity at or below 0.
    """
    _require_possible(trade, book)
    throttle = drawdown_throttle(book.drawdown, limits.max_drawdown)
    multiplier = min(ONE, wish.regime_multiplier)
    budget = book.equity * limits.risk_per_trade * multiplier * throttle
    exact = _caps(trade, wish, limits, book, budget)
    binding = min(exact, key=lambda name: exact[name])
    quantity = quantity_to_step(exact[binding], wish.lot_step)
    is_clipped = exact[binding] < exact[Cap.REQUESTED]
    clipped = (SizingWarning.POSITION_SIZE_CLIPPED,) if is_clipped else ()
    return Size(
        quantity=quantity,
        notional=quantity * trade.entry,
        risk_money=quantity * trade.per_share,
        risk_budget=budget,
        per_share_risk=trade.per_share,
        equity=book.equity,
        caps=tuple(
            CapQuantity(name, quantity_to_step(shares, wish.lot_step))
            for name, shares in exact.items()
        ),
        binding=binding,
        regime_multiplier=multiplier,
        drawdown_multiplier=throttle,
        warnings=(*clipped, *book.warnings),
    )


def drawdown_throttle(drawdown: Decimal | None, limit: Decimal | None) -> Decimal:
    """1 up to half of the limit, then linear down to 0.25 at the limit and beyond.

    1 while the drawdown or its limit is not known: nothing is guessed.
    """
    if drawdown is None or limit is None:
        return ONE
    start = limit * THROTTLE_FROM
    if drawdown <= start:
        return ONE
    gone = min(ONE, divide(drawdown - start, limit - start))
    return ONE - gone * (ONE - THROTTLE_LEAST)


def _require_possible(trade: TradeRisk, book: SizingBook) -> None:
    if trade.stop >= trade.entry or trade.per_share <= 0:
        raise Invalid("invalid_stop", "The stop of a long trade lies below its entry.")
    if book.equity <= 0:
        raise Invalid("no_equity", "The account has no equity to take risk with.")


def _caps(
    trade: TradeRisk, wish: SizeWish, limits: SizingLimits, book: SizingBook, budget: Decimal
) -> dict[Cap, Decimal]:
    """Shares each cap allows before the lot, in the published order; at least 0."""

    def shares(money: Decimal, per_share: Decimal) -> Decimal:
        return max(ZERO, divide(money, per_share))

    entry, equity = trade.entry, book.equity
    concentration = shares(equity * limits.position_concentration_limit, entry) - book.held_qty
    cluster_room = limits.max_correlation_exposure * equity - book.cluster_risk
    return {
        Cap.RISK_PER_TRADE: shares(budget, trade.per_share),
        Cap.MAX_POSITION_SIZE: shares(equity * limits.max_position_size, entry),
        Cap.POSITION_CONCENTRATION_LIMIT: max(ZERO, concentration),
        Cap.REQUESTED: shares(equity * wish.requested, entry),
        Cap.BUYING_POWER: shares(book.available_cash, entry * (ONE + trade.commission_rate)),
        Cap.MAX_CORRELATION_EXPOSURE: shares(cluster_room, trade.per_share),
    }
