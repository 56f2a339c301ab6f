"""Open and change accounts; first start opens `main`."""

from dataclasses import dataclass, replace
from decimal import Decimal

from application.portfolio.account_nav import AccountNav
from application.portfolio.nav_flow import Flow
from application.portfolio.recording import account_event, transfer_ids
from application.ports.ids import Ids
from application.ports.repositories import CashFlow
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import (
    FIXED_NAMES,
    MAIN_ACCOUNT_NAME,
    Account,
    AccountMode,
    Costs,
    Settlement,
    TradingState,
)
from domain.portfolio.ledger import Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.shared.decimals import plain
from domain.shared.errors import Conflict, StaleVersion
from domain.shared.ids import Prefix

MAIN_STARTING_EQUITY = Decimal(100_000)


FREE = Costs()


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Terms of a new account; `starting_equity` is deposited from outside."""

    name: str
    base_currency: str = "USD"
    starting_equity: Decimal = MAIN_STARTING_EQUITY
    calendar: str = "XNYS"
    costs: Costs = FREE


MAIN = NewAccount(MAIN_ACCOUNT_NAME)


class OpenAccount:
    """Conflict `name_taken` when the owner has an account of that name."""

    def __init__(self, ids: Ids, nav: AccountNav | None = None) -> None:
        self._ids = ids
        self._nav = nav or AccountNav()

    def __call__(self, new: NewAccount, work: UnitOfWork) -> Account:
        account = Account(
            id=self._ids.new(Prefix.ACCOUNT),
            owner_id=work.context.owner_id,
            name=new.name,
            mode=AccountMode.PAPER,
            settlement=Settlement.CASH,
            base_currency=new.base_currency,
            starting_equity=new.starting_equity,
            calendar=new.calendar,
            costs=new.costs,
            leverage_default=1,
            status=TradingState.ACTIVE,
            created_at=work.now,
        )
        work.accounts.add(account)
        self._nav.before_flow(account, Flow(account.starting_equity), work)
        self._fund(account, work)
        work.events.append(
            [
                account_event(
                    "account_opened",
                    account.id,
                    work.now,
                    f"Account {account.name}: {plain(new.starting_equity)} {new.base_currency}.",
                    inputs={"name": new.name, "starting_equity": new.starting_equity},
                    outputs={"account_id": account.id},
                )
            ]
        )
        return account

    def _fund(self, account: Account, work: UnitOfWork) -> None:
        if account.starting_equity <= 0:
            return
        own = LedgerKey(account.id, account.id, account.base_currency, Bucket.AVAILABLE)
        transfer = Transfer(
            transfer_ids(self._ids)(),
            TransferKind.DEPOSIT,
            Phase.POSTED,
            account.starting_equity,
            replace(own, bucket=Bucket.EXTERNAL),
            own,
            "account",
            account.id,
            work.now,
        )
        balances = work.ledger.balances(account.id)
        balances.apply((transfer,))
        work.ledger.post((transfer,), balances)
        work.ledger.add_flow(
            CashFlow(
                id=self._ids.new(Prefix.FLOW),
                account_id=account.id,
                at=work.now,
                amount=account.starting_equity,
                currency=account.base_currency,
                kind="deposit",
                source="ledger",
                note="starting equity",
            )
        )


@dataclass(frozen=True, slots=True)
class AccountChange:
    """Fields to change; None leaves them."""

    name: str | None = None
    costs: Costs | None = None


def change_account(
    account_id: str, change: AccountChange, expected_version: int, work: UnitOfWork
) -> Account:
    """Rename or change costs; the accounts of the first start keep their names."""
    account = work.accounts.get(account_id)
    if account.version != expected_version:
        raise StaleVersion(
            "stale_version",
            f"Account {account_id} is at version {account.version}.",
            context={"version": account.version},
        )
    if change.name not in (None, account.name) and account.name in FIXED_NAMES:
        raise Conflict("account_name_is_fixed", f"The account {account.name} keeps its name.")
    changed = replace(
        account,
        name=change.name or account.name,
        costs=change.costs or account.costs,
        version=account.version + 1,
    )
    work.accounts.save(changed)
    work.events.append(
        [
            account_event(
                "config_changed",
                account.id,
                work.now,
                "Account settings changed.",
                inputs={"name": account.name, "commission_rate": account.costs.commission_rate},
                outputs={"name": changed.name, "commission_rate": changed.costs.commission_rate},
            )
        ]
    )
    return changed
