"""From results of corporate actions to answers."""

from app.api.corporate_actions import schemas as s
from app.api.idempotency import Presented
from application.portfolio.announce_dividend import AnnouncedDividend
from application.portfolio.dividend_step import DividendStep, PositionStep
from application.portfolio.splits import AnnouncedSplit, PositionSplit, SplitApplied
from domain.portfolio.dividend import Dividend, Entitlement
from domain.portfolio.split import Split


def dividend_out(dividend: Dividend) -> s.DividendOut:
    """A dividend."""
    return s.DividendOut.model_validate(_dividend(dividend))


def announced_dividend(result: AnnouncedDividend) -> Presented:
    """201, or 200 when the same terms were announced before."""
    members = {**_dividend(result.dividend), "replayed": result.replayed}
    body = s.AnnouncedDividendOut.model_validate(members)
    return Presented(200 if result.replayed else 201, body)


def dividend_step(result: DividendStep) -> Presented:
    """What a step did."""
    dividend = result.dividend
    body = s.DividendStepOut(
        dividend_id=dividend.id,
        ticker=dividend.instrument,
        ex_date=dividend.ex_date,
        positions=[_position_step(step) for step in result.positions],
        replayed=result.replayed,
    )
    return Presented(200, body)


def position_dividend(entitlement: Entitlement, dividend: Dividend) -> s.PositionDividendOut:
    """An entitlement with the dividend's terms."""
    terms = _dividend(dividend)
    shown = {name: terms[name] for name in s.PositionDividendOut.model_fields if name in terms}
    return s.PositionDividendOut.model_validate({**shown, **_entitlement(entitlement)})


def split_out(split: Split) -> s.SplitOut:
    """A split."""
    return s.SplitOut.model_validate(_split(split))


def announced_split(result: AnnouncedSplit) -> Presented:
    """201, or 200 when the same ratio was announced before."""
    members = {**_split(result.split), "replayed": result.replayed}
    return Presented(200 if result.replayed else 201, s.AnnouncedSplitOut.model_validate(members))


def split_applied(result: SplitApplied) -> Presented:
    """What a split did."""
    split = result.split
    body = s.SplitAppliedOut(
        split_id=split.id,
        ticker=split.instrument,
        ratio=split.ratio,
        ex_date=split.ex_date,
        positions=[_position_split(item) for item in result.positions],
        replayed=result.replayed,
    )
    return Presented(200, body)


def _dividend(dividend: Dividend) -> dict[str, object]:
    return {
        "id": dividend.id,
        "ticker": dividend.instrument,
        "ex_date": dividend.ex_date,
        "dps": dividend.dps,
        "currency": dividend.currency,
        "pay_date": dividend.pay_date,
        "kind": dividend.kind,
        "withholding_rate": dividend.withholding_rate,
    }


def _split(split: Split) -> dict[str, object]:
    return {
        "id": split.id,
        "ticker": split.instrument,
        "ratio": split.ratio,
        "ex_date": split.ex_date,
    }


def _entitlement(entitlement: Entitlement) -> dict[str, object]:
    members: dict[str, object] = {
        name: getattr(entitlement, name) for name in Entitlement.__slots__ if name != "id"
    }
    return {"entitlement_id": entitlement.id, **members}


def _position_step(step: PositionStep) -> s.PositionStepOut:
    position = step.position
    return s.PositionStepOut.model_validate(
        {
            **_entitlement(step.entitlement),
            "position_cash": position.cash,
            "position_receivable": position.receivable,
            "dividends_received": position.dividends_received,
            "anchor_price": position.anchor_price,
            "replayed": step.replayed,
        }
    )


def _position_split(item: PositionSplit) -> s.PositionSplitOut:
    position, change = item.position, item.change
    return s.PositionSplitOut(
        position_id=position.id,
        qty=position.qty,
        avg_cost=position.basis.avg_cost,
        anchor_price=position.anchor_price,
        qty_change=None if change is None else change.qty_change,
        qty_dropped=None if change is None else change.qty_dropped,
        cancelled_orders=list(item.cancelled_orders),
        replayed=change is None,
    )
