"""Deposits and withdrawals of accounts and cells; external money is a flow, moves inside
are not.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from application.portfolio.account_nav import AccountNav
from application.portfolio.books import require_main_book
from application.portfolio.nav_flow import Flow
from application.portfolio.recording import account_event, position_event, transfer_ids
from application.ports.ids import Ids
from application.ports.repositories import CashFlow
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account, AccountMode
from domain.portfolio.ledger import Balances, Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.portfolio.position import Position, PositionStatus
from domain.shared.decimals import plain
from domain.shared.errors import Conflict, FieldFault, Invalid
from domain.shared.ids import Prefix

EXTERNAL = "external"
ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount` > 0; `incoming` tells a deposit from a withdrawal."""

    amount: Decimal
    incoming: bool
    currency: str | None = None
    occurred_at: datetime | None = None
    note: str | None = None

    def sentence(self) -> str:
        """For people."""
        return f"{'Deposit' if self.incoming else 'Withdrawal'} of {plain(self.amount)}."


@dataclass(frozen=True, slots=True)
class Moved:
    """The booked transfer, the flow it is (null for moves inside), and the balances after it."""

    transfer: Transfer
    flow_id: str | None
    available: Decimal
    reserved: Decimal
    position: Position | None = None


class MoveCash:
    """Conflict `insufficient_cash` (context shows available and reserved), `reported_by_venue`
    and `simulation_account`.
    """

    def __init__(self, ids: Ids, nav: AccountNav | None = None) -> None:
        self._ids = ids
        self._nav = nav or AccountNav()

    def account(self, account_id: str, movement: Movement, work: UnitOfWork) -> Moved:
        """Deposit into or withdraw from an account."""
        account = work.accounts.get(account_id)
        require_main_book(account)
        if account.mode is AccountMode.LIVE:
            raise Conflict(
                "reported_by_venue", "Flows of a live account are reported by its venue."
            )
        _require_currency(movement, account.base_currency)
        _require_past(movement, work.now)
        own = LedgerKey(account.id, account.id, account.base_currency, Bucket.AVAILABLE)
        outside = replace(own, bucket=Bucket.EXTERNAL)
        self._nav.before_flow(account, _flow_of(movement), work)
        balances = work.ledger.balances(account.id)
        transfer = self._move(movement, own, outside, balances, "account", account.id, work)
        flow_id = self._flow(account, movement, work)
        available, reserved = _cash(balances, own)
        work.events.append(
            [
                account_event(
                    "cash_deposited" if movement.incoming else "cash_withdrawn",
                    account.id,
                    work.now,
                    movement.sentence(),
                    inputs={"amount": movement.amount, "note": movement.note},
                    outputs={
                        "transfer_id": transfer.id,
                        "flow_id": flow_id,
                        "available": available,
                    },
                )
            ]
        )
        return Moved(transfer, flow_id, available, reserved)

    def cell(
        self, position_id: str, movement: Movement, counterparty: str, work: UnitOfWork
    ) -> Moved:
        """Move cash between a cell and the outside world or its account."""
        position = work.positions.get(position_id)
        if position.status is PositionStatus.CLOSED:
            raise Conflict("position_closed", f"Position {position.id} is closed.")
        if not position.is_cell:
            raise Conflict("not_a_cell", "This position has no cash of its own.")
        account = work.accounts.get(position.account_id)
        own = position.cash_key(Bucket.AVAILABLE)
        other = position.cash_key(Bucket.EXTERNAL)
        if counterparty == EXTERNAL:
            self._nav.before_flow(account, _flow_of(movement), work)
        else:
            other = LedgerKey(account.id, account.id, account.base_currency, Bucket.AVAILABLE)
        balances = work.ledger.balances(account.id, position.id)
        transfer = self._move(movement, own, other, balances, "position", position.id, work)
        flow_id = self._flow(account, movement, work) if counterparty == EXTERNAL else None
        available, reserved = _cash(balances, own)
        after = replace(position, cash=available + reserved, version=position.version + 1)
        work.positions.save(after)
        work.events.append(
            [
                position_event(
                    "cash_deposited" if movement.incoming else "cash_withdrawn",
                    after,
                    work.now,
                    movement.sentence(),
                    inputs={"amount": movement.amount, "source": counterparty},
                    outputs={"transfer_id": transfer.id, "flow_id": flow_id, "cash": after.cash},
                )
            ]
        )
        return Moved(transfer, flow_id, available, reserved, after)

    def _move(
        self,
        movement: Movement,
        own: LedgerKey,
        other: LedgerKey,
        balances: Balances,
        cause_type: str,
        cause_id: str,
        work: UnitOfWork,
    ) -> Transfer:
        source, target = (other, own) if movement.incoming else (own, other)
        available, reserved = _cash(balances, source)
        if source.bucket is Bucket.AVAILABLE and available < movement.amount:
            raise Conflict(
                "insufficient_cash",
                f"{plain(available)} is available and {plain(movement.amount)} is needed.",
                context={"available": available, "reserved": reserved},
            )
        inside = other.bucket is Bucket.AVAILABLE
        outside_kind = TransferKind.DEPOSIT if movement.incoming else TransferKind.WITHDRAWAL
        transfer = Transfer(
            transfer_ids(self._ids)(),
            TransferKind.CELL_FUNDING if inside else outside_kind,
            Phase.POSTED,
            movement.amount,
            source,
            target,
            cause_type,
            cause_id,
            movement.occurred_at or work.now,
        )
        balances.apply((transfer,))
        work.ledger.post((transfer,), balances)
        return transfer

    def _flow(self, account: Account, movement: Movement, work: UnitOfWork) -> str:
        flow = CashFlow(
            id=self._ids.new(Prefix.FLOW),
            account_id=account.id,
            at=movement.occurred_at or work.now,
            amount=movement.amount if movement.incoming else -movement.amount,
            currency=account.base_currency,
            kind="deposit" if movement.incoming else "withdrawal",
            source="ledger",
            note=movement.note,
        )
        work.ledger.add_flow(flow)
        return flow.id


def _flow_of(movement: Movement) -> Flow:
    return Flow(movement.amount if movement.incoming else -movement.amount, movement.occurred_at)


def _cash(balances: Balances, own: LedgerKey) -> tuple[Decimal, Decimal]:
    reserved = replace(own, bucket=Bucket.RESERVED)
    return balances.amount(own), balances.amount(reserved)


def _require_currency(movement: Movement, base_currency: str) -> None:
    if movement.currency is not None and movement.currency.upper() != base_currency:
        fault = FieldFault("/currency", "currency_mismatch", f"this account holds {base_currency}")
        raise Invalid("currency_mismatch", f"This account holds {base_currency}.", errors=(fault,))


def _require_past(movement: Movement, now: datetime) -> None:
    if movement.occurred_at is not None and movement.occurred_at > now:
        fault = FieldFault("/occurred_at", "in_future", "not later than now")
        raise Invalid("invalid_request", "occurred_at lies in the future.", errors=(fault,))
