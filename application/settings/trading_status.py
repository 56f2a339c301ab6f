"""Whether orders can leave for a live venue, and if not, which conditions are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from application.ports.unit_of_work import UnitOfWork
from application.settings.service_settings import ServiceSettings


class EffectiveMode(StrEnum):
    """`live` only while every condition of the live gate holds."""

    SIMULATION = "simulation"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the live gate as it stands now."""

    code: str
    ok: bool
    detail: str


class LiveConditions(Protocol):
    """The live gate's conditions beside the switch in the settings; evaluated at every call."""

    def __call__(self, work: UnitOfWork) -> Sequence[Condition]: ...


class NoLiveVenue:
    """`LiveConditions` of an installation without an adapter that may trade live."""

    def __call__(self, work: UnitOfWork) -> Sequence[Condition]:
        return (Condition("adapter", False, "No venue that may trade live is connected."),)


@dataclass(frozen=True, slots=True)
class TradingStatus:
    """Settings with the mode they result in."""

    settings: ServiceSettings
    effective_mode: EffectiveMode
    conditions: tuple[Condition, ...]


class ReadTradingStatus:
    """Query."""

    def __init__(self, conditions: LiveConditions) -> None:
        self._conditions = conditions

    def __call__(self, work: UnitOfWork) -> TradingStatus:
        settings = work.settings.read()
        word = "on" if settings.trading_enabled else "off"
        switch = Condition("trading_enabled", settings.trading_enabled, f"The switch is {word}.")
        conditions = (switch, *self._conditions(work))
        is_live = all(condition.ok for condition in conditions)
        mode = EffectiveMode.LIVE if is_live else EffectiveMode.SIMULATION
        return TradingStatus(settings, mode, conditions)
