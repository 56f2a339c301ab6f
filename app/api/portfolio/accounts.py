"""Accounts, their cash, their ledger."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.api.dependencies import Reader, Runs, Trader, use
from app.api.idempotency import Key, Once, OnceOnly, OptionalKey, Presented
from app.api.paging import Listing
from app.api.portfolio import account_schemas as s
from app.api.portfolio.account_present import account_cash_out, account_out, transfer_out
from app.api.portfolio.routes import Paging
from app.api.preconditions import NOT_MODIFIED, RequiredVersion, versioned_view
from app.api.routing import capability_router, refusals
from application.context import Principal
from application.portfolio.account_worth import AccountWorth, ValueAccounts
from application.portfolio.accounts import (
    AccountChange,
    NewAccount,
    OpenAccount,
    change_account,
)
from application.portfolio.books import amounts_of, transfers_of
from application.portfolio.move_cash import MoveCash, Movement
from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.account import Costs
from domain.portfolio.ledger import sums_by_asset

router = capability_router("accounts")
Valuing = Annotated[ValueAccounts, Depends(use(ValueAccounts))]


@router.get(
    "/accounts",
    operation_id="list_accounts",
    summary="Accounts with cash and equity",
    responses=refusals("400 invalid_cursor"),
)
async def list_accounts(
    request: Request,
    response: Response,
    caller: Reader,
    runs: Runs,
    paging: Paging,
    value: Valuing,
) -> Listing[s.AccountOut]:
    found = await runs.query(
        request,
        caller,
        lambda work: value(work.accounts.list(paging.page), work),
    )
    rows = [(worth.view.account.id, account_out(worth)) for worth in found]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following)


@router.post(
    "/accounts",
    status_code=201,
    operation_id="open_account",
    summary="Open a paper account; its starting equity is a deposit",
    response_model=s.AccountOut,
    responses=refusals("409 name_taken", "409 idempotency_signature_mismatch"),
)
async def open_account(
    request: Request,
    body: s.AccountIn,
    caller: Trader,
    key: OptionalKey,
    once: OnceOnly,
    value: Valuing,
    opening: Annotated[OpenAccount, Depends(use(OpenAccount))],
) -> Response:
    new = NewAccount(
        body.name,
        body.base_currency,
        body.starting_equity,
        body.calendar,
        Costs(body.commission_rate, body.slippage),
    )
    return await once(
        request,
        caller,
        key,
        lambda work: value.one(opening(new, work), work),
        lambda worth: Presented(201, account_out(worth)),
    )


@router.get(
    "/accounts/{account_id}",
    operation_id="get_account",
    summary="One account with cash and equity",
    response_model=s.AccountOut,
    responses=refusals("404 account_not_found") | NOT_MODIFIED,
)
async def get_account(
    request: Request,
    account_id: str,
    caller: Reader,
    runs: Runs,
    value: Valuing,
) -> Response:
    worth = await runs.query(
        request, caller, lambda work: value.one(work.accounts.get(account_id), work)
    )
    return versioned_view(request, worth.view.account.version, account_out(worth))


@router.patch(
    "/accounts/{account_id}",
    operation_id="change_account",
    summary="Rename an account or change its costs",
    responses=refusals(
        "404 account_not_found",
        "409 account_name_is_fixed",
        "409 name_taken",
        "412 stale_version",
        "428 precondition_required",
    ),
)
async def patch_account(
    request: Request,
    response: Response,
    account_id: str,
    body: s.AccountChangeIn,
    caller: Trader,
    version: RequiredVersion,
    runs: Runs,
    value: Valuing,
) -> s.AccountOut:
    def change(work: UnitOfWork) -> AccountWorth:
        current = work.accounts.get(account_id).costs
        given = (body.commission_rate, body.slippage)
        costs = Costs(
            current.commission_rate if given[0] is None else given[0],
            current.slippage if given[1] is None else given[1],
        )
        changed = change_account(account_id, AccountChange(body.name, costs), version, work)
        return value.one(changed, work)

    worth = await runs.command(request, caller, change)
    response.headers["ETag"] = f'"{worth.view.account.version}"'
    return account_out(worth)


@router.get(
    "/accounts/{account_id}/balances",
    operation_id="list_balances",
    summary="Ledger buckets of an account and of its cells",
    responses=refusals("404 account_not_found"),
)
async def list_balances(
    request: Request, account_id: str, caller: Reader, runs: Runs
) -> s.BalancesOut:
    amounts = await runs.query(
        request,
        caller,
        lambda work: amounts_of(work.accounts.get(account_id), work),
    )
    return s.BalancesOut(
        account_id=account_id,
        balances=[
            s.BalanceOut(
                holder_id=key.holder_id, asset=key.asset, bucket=key.bucket.value, amount=amount
            )
            for key, amount in sorted(
                amounts.items(), key=lambda i: (i[0].holder_id, i[0].asset, i[0].bucket)
            )
        ],
        sums=sums_by_asset(amounts),
    )


@router.get(
    "/accounts/{account_id}/ledger",
    operation_id="list_transfers",
    summary="Ledger transfers of an account, oldest first",
    responses=refusals("404 account_not_found", "400 invalid_cursor"),
)
async def list_transfers(
    request: Request,
    response: Response,
    account_id: str,
    caller: Reader,
    runs: Runs,
    paging: Paging,
) -> Listing[s.TransferOut]:
    transfers = await runs.query(
        request,
        caller,
        lambda work: transfers_of(work.accounts.get(account_id), paging.page, work),
    )
    rows = [(key, transfer_out(transfer)) for key, transfer in transfers]
    items, following = paging.cut(rows, response)
    return Listing(items=items, next_cursor=following)


_CASH_CODES = refusals(
    "400 missing_idempotency_key",
    "404 account_not_found",
    "409 idempotency_signature_mismatch",
    "409 insufficient_cash",
    "409 reported_by_venue",
    "409 simulation_account",
    "422 currency_mismatch",
)


@router.post(
    "/accounts/{account_id}/deposits",
    status_code=201,
    operation_id="deposit_to_account",
    summary="Put money into an account",
    response_model=s.AccountCashOut,
    responses=_CASH_CODES,
)
async def deposit_to_account(
    request: Request,
    account_id: str,
    body: s.AccountCashIn,
    caller: Trader,
    key: Key,
    once: OnceOnly,
    move: Annotated[MoveCash, Depends(use(MoveCash))],
) -> Response:
    return await _move(request, caller, key, once, move, account_id, body, incoming=True)


@router.post(
    "/accounts/{account_id}/withdrawals",
    status_code=201,
    operation_id="withdraw_from_account",
    summary="Take money out of an account",
    response_model=s.AccountCashOut,
    responses=_CASH_CODES,
)
async def withdraw_from_account(
    request: Request,
    account_id: str,
    body: s.AccountCashIn,
    caller: Trader,
    key: Key,
    once: OnceOnly,
    move: Annotated[MoveCash, Depends(use(MoveCash))],
) -> Response:
    return await _move(request, caller, key, once, move, account_id, body, incoming=False)


async def _move(
    request: Request,
    caller: Principal,
    key: str,
    once: Once,
    move: MoveCash,
    account_id: str,
    body: s.AccountCashIn,
    *,
    incoming: bool,
) -> Response:
    movement = Movement(body.amount, incoming, body.currency, body.occurred_at, body.note)
    return await once(
        request,
        caller,
        key,
        lambda work: move.account(account_id, movement, work),
        lambda moved: Presented(201, account_cash_out(moved)),
        parent=account_id,
        before=lambda work: work.accounts.get(account_id),
    )
