"""A trade's size and its entry order, from the plan's levels and the account's risk."""

from dataclasses import dataclass
from decimal import Decimal

from application.portfolio.account_risk import AccountRisk
from application.portfolio.exit_rules import sizing_limits
from application.portfolio.order_request import OrderRequest
from domain.plans.exit_levels import round_trip_costs
from domain.plans.regime_exit_plan import RegimeExitPlan
from domain.plans.regime_rules import ExitRules, rule_for
from domain.portfolio.order import OrderType
from domain.risk.context import TradeFacts
from domain.risk.desktop_configuration import DesktopConfiguration
from domain.risk.sizing import Size, SizeWish, TradeRisk, position_size
from domain.shared.errors import RuleRefused
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class SizeQuestion:
    """A plan that has no quantity yet, and what bounds it; `requested` is a share of equity."""

    plan: RegimeExitPlan
    rules: ExitRules
    configuration: DesktopConfiguration
    risk: AccountRisk
    requested: Decimal


def size_of(question: SizeQuestion) -> Size:
    """The size; RuleRefused `size_below_minimum` with all caps when it is less than one lot."""
    plan, rules = question.plan, question.rules
    entry, stop = plan.entry_price, plan.stop.price
    trade = TradeRisk(
        entry=entry,
        stop=stop,
        round_trip_costs=round_trip_costs(entry, stop, rules),
        commission_rate=rules.commission_rate,
    )
    multiplier = rule_for(plan.profile, plan.regime_at_entry).risk_multiplier
    wish = SizeWish(question.requested, multiplier, plan.lot)
    limits = sizing_limits(question.configuration)
    size = position_size(trade, wish, limits, question.risk.book)
    if size.quantity <= 0:
        raise RuleRefused(
            "size_below_minimum",
            f"{size.binding.value} leaves less than one lot.",
            context={
                "binding": size.binding.value,
                "lot": plan.lot,
                "caps": [{"name": cap.name.value, "shares": cap.quantity} for cap in size.caps],
            },
        )
    return size


def entry_order(question: SizeQuestion, size: Size) -> OrderRequest:
    """The buy at the entry price, with what the gate judges a trade by."""
    plan, book = question.plan, question.risk.book
    limits = question.configuration.risk_limits
    return OrderRequest(
        side=Side.BUY,
        qty=size.quantity,
        type=OrderType.LIMIT,
        limit_price=plan.entry_price,
        commission_rate=question.rules.commission_rate,
        confirm_duplicate=True,
        trade=TradeFacts(
            equity=book.equity,
            entry=plan.entry_price,
            stop=plan.stop.price,
            per_share_risk=size.per_share_risk,
            limits=sizing_limits(question.configuration),
            held_qty=book.held_qty,
            cluster_risk=book.cluster_risk,
            stop_distance_min=limits.min_stop_distance,
            stop_distance_max=limits.max_stop_distance,
            price_step=plan.price_step,
        ),
    )
