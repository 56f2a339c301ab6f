"""The account `simulation` of the first start, and its runs: flat, with the capital as deposit."""

from dataclasses import replace
from decimal import Decimal

from application.portfolio.recording import account_event
from application.ports.ids import Ids
from application.ports.repositories import CashFlow
from application.ports.unit_of_work import UnitOfWork
from application.simulation.recording import run_event
from application.simulation.simulation_ids import SimulationIds
from domain.portfolio.account import (
    SIMULATION_ACCOUNT_NAME,
    Account,
    AccountMode,
    Book,
    Costs,
    Settlement,
    TradingState,
)
from domain.portfolio.ledger import Bucket, LedgerKey, Phase, Transfer, TransferKind
from domain.portfolio.simulation_run import (
    SimulationRun,
    SimulationSettings,
)
from domain.shared.decimals import plain
from domain.shared.errors import NotFound
from domain.shared.ids import Prefix

CURRENCY = "USDT"


class OpenSimulation:
    """First start: the account `simulation` and its first run; nothing when they exist."""

    def __init__(self, ids: Ids, settings: SimulationSettings, initial_capital: Decimal) -> None:
        self._ids = ids
        self._settings = settings
        self._capital = initial_capital

    def __call__(self, work: UnitOfWork) -> SimulationRun:
        try:
            account = work.accounts.simulation()
        except NotFound:
            account = self._account(work)
        try:
            return work.simulation.runs.current()
        except NotFound:
            return open_run(account, self._capital, self._settings, self._ids, work)

    def _account(self, work: UnitOfWork) -> Account:
        account = Account(
            id=self._ids.new(Prefix.ACCOUNT),
            owner_id=work.context.owner_id,
            name=SIMULATION_ACCOUNT_NAME,
            mode=AccountMode.PAPER,
            settlement=Settlement.MARGIN,
            base_currency=CURRENCY,
            starting_equity=self._capital,
            calendar="24/7",
            costs=Costs(self._settings.commission_rate, self._settings.slippage),
            leverage_default=1,
            status=TradingState.ACTIVE,
            created_at=work.now,
            book=Book.SIMULATION,
        )
        work.accounts.add(account)
        work.events.append(
            [
                account_event(
                    "account_opened",
                    account.id,
                    work.now,
                    f"Account {account.name}: {plain(self._capital)} {CURRENCY} on paper.",
                    inputs={"name": account.name, "starting_equity": self._capital},
                    outputs={"account_id": account.id},
                )
            ]
        )
        return account


def open_run(
    account: Account,
    capital: Decimal,
    settings: SimulationSettings,
    ids: Ids,
    work: UnitOfWork,
) -> SimulationRun:
    """A stopped run with a flat book and the capital as its one deposit."""
    own_ids = SimulationIds(ids)
    run = SimulationRun(
        id=own_ids.new(Prefix.RUN),
        owner_id=account.owner_id,
        account_id=account.id,
        initial_capital=capital,
        settings=settings,
        created_at=work.now,
    )
    work.simulation.runs.add(run)
    _fund(run, account.base_currency, own_ids, work)
    run_event(
        "simulation_run_opened",
        run,
        work,
        f"New run with {plain(capital)} {account.base_currency}.",
        inputs={"initial_capital": capital},
    )
    return run


def _fund(run: SimulationRun, currency: str, ids: SimulationIds, work: UnitOfWork) -> None:
    own = LedgerKey(run.id, run.id, currency, Bucket.AVAILABLE)
    transfer = Transfer(
        ids.new(Prefix.TRANSFER),
        TransferKind.DEPOSIT,
        Phase.POSTED,
        run.initial_capital,
        replace(own, bucket=Bucket.EXTERNAL),
        own,
        "run",
        run.id,
        work.now,
    )
    balances = work.simulation.ledger.balances(run.id)
    balances.apply((transfer,), on_margin=True)
    work.simulation.ledger.post((transfer,), balances)
    work.simulation.ledger.add_flow(
        CashFlow(
            id=ids.new(Prefix.FLOW),
            account_id=run.id,
            at=work.now,
            amount=run.initial_capital,
            currency=currency,
            kind="deposit",
            source="ledger",
            note="capital of the run",
        )
    )
