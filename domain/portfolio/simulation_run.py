"""One run of the simulation account: flat at its start, stopped and started, archived by a reset.

A run is a ledger account of its own: its id stands where the book of record has the account's id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.shared.decimals import ONE, ZERO
from domain.shared.errors import Conflict, FieldFault, Invalid

INITIAL_CAPITAL = Decimal(10_000)
CAPITAL_MIN, CAPITAL_MAX = Decimal(100), Decimal(1_000_000_000)


class RunStatus(StrEnum):
    """A stopped run accepts no order and matches none."""

    STOPPED = "stopped"
    RUNNING = "running"


class PriceSource(StrEnum):
    """Where prices come from; chosen at start, never switched by the engine."""

    LIVE = "live"
    REPLAY = "replay"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """Costs and limits of the account. Rates and risks are fractions, durations in seconds."""

    commission_rate: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.0001")
    tick_seconds: int = 5
    price_age_max_s: int = 15
    max_positions: int = 5
    risk_per_trade: Decimal = Decimal("0.02")
    min_reward_risk: Decimal = Decimal(3)
    require_stop_loss: bool = False

    def __post_init__(self) -> None:
        faults = [
            FieldFault(f"/{name}", "out_of_range", "a fraction: 0.001 is 0.1 %")
            for name in ("commission_rate", "slippage", "risk_per_trade")
            if not ZERO <= getattr(self, name) <= ONE
        ]
        if faults:
            raise Invalid(
                "invalid_request",
                "Costs and risks are fractions from 0 to 1: 0.001 means 0.1 %.",
                errors=tuple(faults),
            )


@dataclass(frozen=True, slots=True)
class Replay:
    """Stored candles played `speed` times as fast as they happened.

    At wall time t the replay stands at `data_from + speed · (t − wall_from)`, at most at the end of
    the series; a bar is visible from its close on. `played_to` is the close of the last bar that
    was played, `ended` when none is left.
    """

    dataset: str
    interval: str
    speed: Decimal
    data_from: datetime
    wall_from: datetime
    played_to: datetime
    ended: bool = False

    def stands_at(self, now: datetime, series_end: datetime) -> datetime:
        """Data time at a wall time; never before what was played, nor after both it and the end
        of the series.
        """
        passed_s = Decimal(str((now - self.wall_from).total_seconds())) * self.speed
        left_s = Decimal(str((series_end - self.data_from).total_seconds()))
        reached = self.data_from + timedelta(seconds=float(min(passed_s, left_s)))
        return max(self.played_to, reached)

    def resumed(self, now: datetime) -> "Replay":
        """Going on at `now` from where it stopped."""
        return replace(self, data_from=self.played_to, wall_from=now)


@dataclass(frozen=True, slots=True)
class SimulationRun:
    """State of one run; every change is a new value with the next version."""

    id: str
    owner_id: str
    account_id: str
    initial_capital: Decimal
    settings: SimulationSettings
    created_at: datetime
    status: RunStatus = RunStatus.STOPPED
    price_source: PriceSource = PriceSource.LIVE
    symbols: tuple[str, ...] = ()
    replay: Replay | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    last_tick_at: datetime | None = None
    archived_at: datetime | None = None
    volume_quote: Decimal = ZERO
    summary: Mapping[str, object] | None = field(default=None, hash=False)
    version: int = 1

    @property
    def is_running(self) -> bool:
        """True while orders are accepted and matched."""
        return self.status is RunStatus.RUNNING

    def watches(self, instrument: str) -> bool:
        """True when the run was started for the instrument: all of them unless symbols were
        named.
        """
        return not self.symbols or instrument in self.symbols

    def started(
        self, source: PriceSource, symbols: tuple[str, ...], replay: Replay | None, now: datetime
    ) -> "SimulationRun":
        """Running from now on; Conflict `already_running`."""
        if self.is_running:
            raise Conflict("already_running", "The simulation is running.")
        return replace(
            self,
            status=RunStatus.RUNNING,
            price_source=source,
            symbols=symbols,
            replay=replay,
            started_at=now,
            stopped_at=None,
            version=self.version + 1,
        )

    def stopped(self, now: datetime) -> "SimulationRun":
        """Stopped from now on; Conflict `already_stopped`."""
        if not self.is_running:
            raise Conflict("already_stopped", "The simulation is stopped.")
        return replace(self, status=RunStatus.STOPPED, stopped_at=now, version=self.version + 1)

    def clock(self, now: datetime) -> datetime:
        """Time of the run's market: a replay stands at the last bar it played, also once it has
        ended; everything else goes by the wall clock.
        """
        if self.price_source is not PriceSource.REPLAY or self.replay is None:
            return now
        return self.replay.played_to

    @property
    def has_played_out(self) -> bool:
        """True when no price can come any more: a replay that has ended."""
        replays = self.price_source is PriceSource.REPLAY
        return replays and self.replay is not None and self.replay.ended

    def traded(self, notional: Decimal) -> "SimulationRun":
        """After executions worth `notional`."""
        return replace(self, volume_quote=self.volume_quote + notional, version=self.version + 1)

    def ticked(self, at: datetime, notional: Decimal, replay: Replay | None) -> "SimulationRun":
        """After prices were applied."""
        return replace(self.traded(notional), last_tick_at=at, replay=replay)

    def archived(self, summary: Mapping[str, object], now: datetime) -> "SimulationRun":
        """Closed for good, with what came of it."""
        return replace(
            self,
            status=RunStatus.STOPPED,
            stopped_at=self.stopped_at or now,
            archived_at=now,
            summary=dict(summary),
            version=self.version + 1,
        )

    def require_running(self) -> None:
        """Conflict `simulation_stopped` while it is not running."""
        if not self.is_running:
            raise Conflict("simulation_stopped", "Start the simulation first.")


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """What the account was worth at one instant."""

    at: datetime
    equity: Decimal
    cash: Decimal
    unrealized_pnl: Decimal
    realized_pnl: Decimal
