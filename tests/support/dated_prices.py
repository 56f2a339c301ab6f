"""Prices with a past: each instrument's newest at or before the instant asked for."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from domain.plans.plan import PriceView


class DatedPrices:
    """`Prices` that a test fills in."""

    def __init__(self) -> None:
        self._known: dict[str, list[PriceView]] = {}

    def set(self, instrument: str, value: str, at: str) -> None:
        as_of = datetime.fromisoformat(at)
        self._known.setdefault(instrument, []).append(
            PriceView(Decimal(value), "close:test", as_of=as_of)
        )

    def newest(self, instrument: str, now: datetime) -> PriceView | None:
        seen = [p for p in self._known.get(instrument, []) if p.as_of and p.as_of <= now]
        if not seen:
            return None
        newest = max(seen, key=lambda price: price.as_of or now)
        assert newest.as_of is not None
        return replace(newest, age_s=Decimal(str((now - newest.as_of).total_seconds())))
