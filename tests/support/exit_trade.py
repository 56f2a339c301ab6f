"""One regime-exit trade on consecutive days, fed bar by bar as any driver would."""

import pickle
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.market.market_regime import MarketRegime, SessionState
from domain.plans.exit_actions import Exit, MoveStop, MoveTarget
from domain.plans.exit_levels import TrueRangeSource
from domain.plans.plan import Action, PositionView
from domain.plans.price_bar import PriceBar, PriceBody, checked_bar
from domain.plans.regime_exit import ExitMarket, RegimeDecision, decide
from domain.plans.regime_exit_plan import EntryTerms, RegimeExitPlan, open_regime_exit
from domain.plans.regime_rules import ExitRules

ENTRY = date(2026, 1, 5)
BULL = MarketRegime.BULL_NORMAL
HIGH = MarketRegime.HIGH_VOL_STRESS
CRISIS = MarketRegime.CRISIS_OPPORTUNITY
LOW = MarketRegime.LOW_VOL_COMPLACENCY
LONG_HOLD = ExitRules(time_exit_sessions=1000)


def D(text: str | int) -> Decimal:
    return Decimal(text)


def state(
    vix: str, regime: MarketRegime = BULL, day: int = 0, **numbers: str | None
) -> SessionState:
    """The market of day `day` after the entry; `numbers` name fields of the state."""
    known = {name: None if text is None else Decimal(text) for name, text in numbers.items()}
    return SessionState(ENTRY + timedelta(days=day), Decimal(vix), regime, **known)


def bar(
    close: str | None,
    high: str | None = None,
    low: str | None = None,
    open: str | None = None,
    *,
    day: int = 1,
    final: bool = True,
    interval: bool = False,
    as_of: datetime | None = None,
) -> PriceBar:
    """The bar of day `day` after the entry."""
    sent = (None if text is None else Decimal(text) for text in (close, open, high, low))
    session = ENTRY + timedelta(days=day)
    return checked_bar(PriceBody(*sent), session, is_final=final, is_interval=interval, as_of=as_of)


def terms(
    entry: str = "100",
    true_range: str = "2",
    qty: str | None = "100",
    market: SessionState | None = None,
    rules: ExitRules | None = None,
    tick: str = "0.0001",
) -> EntryTerms:
    return EntryTerms(
        entry_price=Decimal(entry),
        session=ENTRY,
        state=market or state("18", t2108="45"),
        true_range=Decimal(true_range),
        true_range_source=TrueRangeSource.REQUEST,
        price_step=Decimal(tick),
        lot=Decimal(1),
        rules=rules or ExitRules(),
        quantity=None if qty is None else Decimal(qty),
    )


def opened(
    entry: str = "100",
    true_range: str = "2",
    qty: str | None = "100",
    market: SessionState | None = None,
    rules: ExitRules | None = None,
    tick: str = "0.0001",
) -> RegimeExitPlan:
    return open_regime_exit(terms(entry, true_range, qty, market, rules, tick))


class Trade:
    """Keeps the plan and the quantity between updates, and every action in order."""

    def __init__(
        self, plan: RegimeExitPlan, rules: ExitRules | None = None, *, forgets: bool = False
    ) -> None:
        self.plan = plan
        self.rules = rules or ExitRules()
        self.qty = plan.initial_qty or Decimal(0)
        self.realized = Decimal(0)
        self.actions: list[Action] = []
        self._forgets = forgets

    @property
    def view(self) -> PositionView:
        return PositionView("pos_1", "AAPL", self.qty, Decimal(0))

    def feed(
        self, update: PriceBar, market: SessionState | None = None, **more: object
    ) -> RegimeDecision:
        """One update; every day is a session. With `forgets` only the stored plan survives."""
        held = (update.session - self.plan.entry_session).days
        asked = ExitMarket(update, market, self.rules, held)
        decision = decide(self.plan, self.view, replace(asked, **more))
        self._apply(decision)
        return decision

    def feed_all(self, updates: Iterable[tuple[PriceBar, SessionState | None]]) -> None:
        """Updates in order until nothing is left."""
        for update, market in updates:
            if self.plan.closed_by is not None:
                return
            self.feed(update, market)

    def _apply(self, decision: RegimeDecision) -> None:
        self.plan = decision.plan
        if self._forgets:
            self.plan = pickle.loads(pickle.dumps(self.plan))
        self.actions.extend(decision.actions)
        for exit_ in exits_of(decision.actions):
            self.qty -= exit_.qty
            self.realized += exit_.pnl_amount


def running_trade(**terms: Any) -> Trade:
    """A trade that time does not end, unless `rules` say otherwise."""
    rules = terms.pop("rules", LONG_HOLD)
    return Trade(opened(rules=rules, **terms), rules)


def exits_of(actions: Iterable[Action]) -> list[Exit]:
    return [action for action in actions if isinstance(action, Exit)]


def stop_moves(actions: Iterable[Action]) -> list[MoveStop]:
    return [action for action in actions if isinstance(action, MoveStop)]


def target_moves(actions: Iterable[Action]) -> list[MoveTarget]:
    return [action for action in actions if isinstance(action, MoveTarget)]


def target_prices_of(plan: RegimeExitPlan) -> list[Decimal]:
    return [target.price for target in plan.targets]
