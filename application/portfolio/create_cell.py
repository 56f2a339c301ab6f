"""Create a cell: a stock with its own cash reserve, balanced around an anchor price."""

from dataclasses import dataclass
from decimal import Decimal

from application.market.register_instrument import registered
from application.portfolio.account_nav import AccountNav
from application.portfolio.books import require_main_book
from application.portfolio.nav_flow import Flow, SharesInKind
from application.portfolio.recording import position_event, transfer_ids
from application.ports.ids import Ids
from application.ports.repositories import CashFlow, RegisteredInstrument
from application.ports.unit_of_work import UnitOfWork
from domain.plans.balancing_plan import BalancingPlan
from domain.portfolio.account import Account, Settlement
from domain.portfolio.cost_basis import BookEntry, CostBasis, EntryKind, apply_entry
from domain.portfolio.ledger import Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.portfolio.position import MANUAL_VENUE, Position, PositionStatus
from domain.portfolio.trading_day import session_date
from domain.shared.decimals import ZERO, plain
from domain.shared.errors import Conflict, FieldFault, Invalid
from domain.shared.ids import Prefix

FROM_ACCOUNT = "account"
VENUES = (MANUAL_VENUE,)


@dataclass(frozen=True, slots=True)
class NewCell:
    """What the caller asks for; `funding` is `deposit` (new money) or `account` (the
    account pays).
    """

    ticker: str
    qty: Decimal
    cash: Decimal
    account_id: str | None = None
    anchor_price: Decimal | None = None
    avg_cost: Decimal | None = None
    funding: str = "deposit"
    venue: str = MANUAL_VENUE
    withholding_rate: Decimal | None = None
    plan: BalancingPlan | None = None


class CreateCell:
    """Conflict `insufficient_cash` when the account cannot fund the cell; Invalid
    `currency_mismatch` for an instrument priced in another currency than the account's.
    """

    def __init__(self, ids: Ids, nav: AccountNav | None = None) -> None:
        self._ids = ids
        self._nav = nav or AccountNav()

    def __call__(self, new: NewCell, work: UnitOfWork) -> Position:
        account = work.accounts.get(new.account_id) if new.account_id else work.accounts.main()
        require_main_book(account)
        _require_supported(new, account)
        instrument, is_new = registered(new.ticker, work)
        _require_holdable(instrument, account)
        position = self._position(new, account, instrument.id, instrument.calendar, work)
        transfers = self._funding(new, account, position, work)
        balances = work.ledger.balances(account.id, position.id)
        if new.funding == FROM_ACCOUNT:
            _require_account_cash(new.cash, account, balances.amount(_own(account)))
        balances.apply(transfers)
        self._note_arrivals(new, account, position, work)
        work.positions.add(position)
        work.ledger.post(transfers, balances)
        if new.cash > 0 and new.funding != FROM_ACCOUNT:
            work.ledger.add_flow(self._flow(new, position, work))
        held = f"{plain(new.qty)} shares and {plain(new.cash)} cash"
        message = f"Cell in {position.instrument} with {held}."
        work.events.append(
            [
                position_event(
                    "position_created",
                    position,
                    work.now,
                    message,
                    inputs={"ticker": new.ticker, "qty": new.qty, "cash": new.cash,
                            "funding": new.funding, "venue": new.venue},
                    outputs={"instrument": position.instrument, "instrument_registered": is_new,
                             "anchor_price": position.anchor_price},
                )
            ]
        )  # fmt: skip
        return position

    def _note_arrivals(
        self, new: NewCell, account: Account, position: Position, work: UnitOfWork
    ) -> None:
        money = ZERO if new.funding == FROM_ACCOUNT else new.cash
        shares = SharesInKind(position.id, position.instrument, new.qty)
        if money or new.qty:
            self._nav.before_flow(account, Flow(money, shares=shares if new.qty else None), work)

    def _position(
        self, new: NewCell, account: Account, instrument: str, calendar: str, work: UnitOfWork
    ) -> Position:
        basis, cost = CostBasis(), None
        if new.qty > 0:
            cost = self._unit_cost(new, account, instrument, work)
            received = BookEntry(EntryKind.IN_KIND, work.now, ("", ""), new.qty, cost)
            basis, _ = apply_entry(basis, received)
        return Position(
            id=self._ids.new(Prefix.POSITION),
            owner_id=account.owner_id,
            account_id=account.id,
            instrument=instrument,
            currency=account.base_currency,
            calendar=calendar,
            venue=new.venue,
            is_cell=True,
            basis=basis,
            opening_price=cost,
            cash=new.cash,
            anchor_price=new.anchor_price,
            plan=new.plan,
            status=PositionStatus.OPEN,
            opened_at=work.now,
            entry_session=session_date(calendar, work.now),
            withholding_rate=new.withholding_rate,
        )

    def _unit_cost(
        self, new: NewCell, account: Account, instrument: str, work: UnitOfWork
    ) -> Decimal | None:
        """What was given, else the anchor, else the last known price; null without any."""
        given = new.avg_cost if new.avg_cost is not None else new.anchor_price
        if given is not None:
            return given
        price = self._nav.price_of(account.id, instrument, work)
        return None if price is None else price.value

    def _funding(
        self, new: NewCell, account: Account, position: Position, work: UnitOfWork
    ) -> tuple[Transfer, ...]:
        new_id = transfer_ids(self._ids)
        transfers: list[Transfer] = []
        if new.cash > 0:
            from_account = new.funding == FROM_ACCOUNT
            source = _own(account) if from_account else position.cash_key(Bucket.EXTERNAL)
            kind = TransferKind.CELL_FUNDING if from_account else TransferKind.DEPOSIT
            target = position.cash_key(Bucket.AVAILABLE)
            transfers.append(
                Transfer(new_id(), kind, Phase.POSTED, new.cash, source, target,
                         "position", position.id, work.now)
            )  # fmt: skip
        if new.qty > 0:
            transfers.append(
                Transfer(new_id(), TransferKind.IN_KIND, Phase.POSTED, new.qty,
                         position.share_key(Bucket.EXTERNAL), position.share_key(Bucket.INVENTORY),
                         "position", position.id, work.now)
            )  # fmt: skip
        return tuple(transfers)

    def _flow(self, new: NewCell, position: Position, work: UnitOfWork) -> CashFlow:
        return CashFlow(
            id=self._ids.new(Prefix.FLOW),
            account_id=position.account_id,
            at=work.now,
            amount=new.cash,
            currency=position.currency,
            kind="deposit",
            source="ledger",
            note=f"cell {position.id}",
        )


def _own(account: Account) -> LedgerKey:
    return LedgerKey(account.id, account.id, account.base_currency, Bucket.AVAILABLE)


def _require_supported(new: NewCell, account: Account) -> None:
    faults: list[FieldFault] = []
    if new.venue not in VENUES:
        faults.append(FieldFault("/venue", "unknown_venue", f"one of: {', '.join(VENUES)}"))
    if account.settlement is not Settlement.CASH:
        faults.append(
            FieldFault("/account_id", "cash_account_needed", "cells live in cash accounts")
        )
    if faults:
        raise Invalid("invalid_request", "The cell cannot be created.", errors=tuple(faults))


def _require_holdable(instrument: RegisteredInstrument, account: Account) -> None:
    # An index may stand in a cell of the manual venue: plans are tried on its stored closes, and
    # what a person reports as executed (a tracking fund, say) is theirs to name.
    if instrument.quote != account.base_currency:
        message = f"the account holds {account.base_currency}"
        fault = FieldFault("/ticker", "currency_mismatch", message)
        raise Invalid(
            "currency_mismatch",
            f"{instrument.id} is priced in {instrument.quote}, {message}.",
            errors=(fault,),
        )


def _require_account_cash(needed: Decimal, account: Account, available: Decimal) -> None:
    if available < needed:
        raise Conflict(
            "insufficient_cash",
            f"{account.name} has {plain(available)} available and {plain(needed)} is needed.",
            context={"available": available, "needed": needed},
        )
