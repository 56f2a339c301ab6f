"""Which book an account lives in, and where its ledger is read."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from application.ports.repositories import Page
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Account, Book
from domain.portfolio.ledger import LedgerKey, Transfer
from domain.shared.errors import Conflict


def require_main_book(account: Account) -> None:
    """Conflict `simulation_account`: nothing but the simulation writes into its book."""
    if account.book is Book.SIMULATION:
        raise Conflict(
            "simulation_account",
            "This account trades through the simulation; a reset sets its capital.",
        )


def amounts_of(account: Account, work: UnitOfWork) -> Mapping[LedgerKey, Decimal]:
    """All balances of the account; of the simulation, those of its current run."""
    if account.book is Book.SIMULATION:
        return work.simulation.ledger.amounts(work.simulation.runs.current().id)
    return work.ledger.amounts(account.id)


def transfers_of(account: Account, page: Page, work: UnitOfWork) -> Sequence[tuple[str, Transfer]]:
    """Transfers of the account, oldest first; of the simulation, those of its current run."""
    if account.book is Book.SIMULATION:
        return work.simulation.ledger.transfers(work.simulation.runs.current().id, page)
    return work.ledger.transfers(account.id, page)
