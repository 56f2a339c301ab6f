"""The book's part of the examination: ledger, reservations, positions rebuilt from fills."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Table, select

from domain.portfolio.cost_basis import BookEntry, CostBasis, EntryKind, apply_entry, rebuild
from domain.portfolio.ledger import OWN_BUCKETS, Bucket, LedgerKey, TransferKind, sums_by_asset
from domain.portfolio.lifecycle import OrderStatus
from domain.shared.decimals import ZERO
from domain.shared.side import Side
from infrastructure.persistence.examination import Ailment, Examination
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables import corporate_actions, ledger
from infrastructure.persistence.tables import portfolio as book

Amounts = dict[LedgerKey, Decimal]
EntryRule = Callable[[CostBasis, BookEntry], tuple[CostBasis, Decimal | None]]


@dataclass(frozen=True, slots=True)
class Book:
    """Everything the checks of the book look at, as stored."""

    positions: list[Row]
    orders: list[Row]
    fills: list[Row]
    transfers: list[Row]
    balances: Amounts
    applied_splits: list[Row]


def examine_book(session: SqlSession, examination: Examination) -> None:
    """Ledger, reservations, orders and positions."""
    stored = _read(session)
    for name in ("positions", "orders", "fills", "transfers", "balances"):
        examination.looked(name, len(getattr(stored, name)))
    examine_ledger(stored, examination, OWN_BUCKETS)
    examine_orders(stored, examination)
    _examine_reservations(stored, examination)
    examine_positions(stored, examination, apply_entry)
    for position in stored.positions:
        _compare_ledger(position, stored.balances, examination)


def _read(session: SqlSession) -> Book:
    splits, applied = corporate_actions.splits, corporate_actions.applied_splits
    joined = select(applied.c.position_id, applied.c.split_id, applied.c.applied_at, splits.c.ratio)
    return Book(
        positions=_rows(session, book.positions),
        orders=_rows(session, book.orders),
        fills=_rows(session, book.fills),
        transfers=session.built(select(ledger.transfers).order_by(ledger.transfers.c.seq)),
        balances={ledger_key(row): row["amount"] for row in _rows(session, ledger.balances)},
        applied_splits=session.built(
            joined.join_from(applied, splits, applied.c.split_id == splits.c.id)
        ),
    )


def _rows(session: SqlSession, table: Table) -> list[Row]:
    return session.built(select(table))


def ledger_key(row: Row) -> LedgerKey:
    """The ledger account of a stored balance."""
    return LedgerKey(row["account_id"], row["holder_id"], row["asset"], Bucket(row["bucket"]))


def _named(key: LedgerKey) -> str:
    return f"{key.bucket.value} {key.asset} of {key.holder_id}"


def examine_ledger(stored: Book, examination: Examination, bound: frozenset[Bucket]) -> None:
    """Transfers are gapless and make the balances; buckets in `bound` are never below zero."""
    made: Amounts = defaultdict(lambda: ZERO)
    for number, row in enumerate(stored.transfers, 1):
        subject = f"transfer {row['id']}"
        examination.expect(Ailment.TRANSFER_GAP, subject, number, row["seq"])
        if row["amount"] <= 0:
            examination.expect(Ailment.TRANSFER_AMOUNT, subject, "above zero", row["amount"])
        for end, sign in (("from", -1), ("to", 1)):
            key = LedgerKey(
                row["account_id"], row[f"{end}_holder"], row["asset"], Bucket(row[f"{end}_bucket"])
            )
            made[key] += sign * row["amount"]
    for asset, total in sums_by_asset(stored.balances).items():
        examination.expect(Ailment.LEDGER_SUM, asset, ZERO, total)
    for key in sorted({*made, *stored.balances}, key=_named):
        found = stored.balances.get(key, ZERO)
        examination.expect(Ailment.BALANCE_MISMATCH, _named(key), made.get(key, ZERO), found)
        if key.bucket in bound and found < 0:
            examination.expect(Ailment.NEGATIVE_BALANCE, _named(key), "zero or more", found)


def examine_orders(stored: Book, examination: Examination) -> None:
    """Each order's totals are those of its fills."""
    fills_of: dict[str, list[Row]] = defaultdict(list)
    for fill in stored.fills:
        fills_of[fill["order_id"]].append(fill)
    for order in stored.orders:
        fills = fills_of.pop(order["id"], [])
        made = (
            _sum(fill["qty"] for fill in fills),
            _sum(fill["qty"] * fill["price"] for fill in fills),
            _sum(fill["fee"] for fill in fills),
        )
        found = (order["filled_qty"], order["filled_notional"], order["fees"])
        examination.expect(
            Ailment.ORDER_FILLS, f"order {order['id']}", _triple(made), _triple(found)
        )
    for order_id in fills_of:
        examination.expect(Ailment.ORPHAN, f"fills of order {order_id}", "an order", "none")


def _triple(amounts: tuple[Decimal, Decimal, Decimal]) -> str:
    qty, notional, fees = (amount.normalize() for amount in amounts)
    return f"qty {qty:f}, notional {notional:f}, fees {fees:f}"


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def _examine_reservations(stored: Book, examination: Examination) -> None:
    """What open orders hold is what lies in the reserved buckets, holder by holder."""
    position_by_id = {row["id"]: row for row in stored.positions}
    needed: Amounts = defaultdict(lambda: ZERO)
    for order in stored.orders:
        if OrderStatus(order["status"]).is_terminal or not order["reserved"]:
            continue
        position = position_by_id.get(order["position_id"])
        if position is None:
            examination.expect(Ailment.ORPHAN, f"order {order['id']}", "a position", "none")
            continue
        needed[_reserved_key(position, Side(order["side"]))] += order["reserved"]
    held = {
        key: amount
        for key, amount in stored.balances.items()
        if key.bucket in (Bucket.RESERVED, Bucket.INVENTORY_RESERVED)
    }
    for key in sorted({*needed, *held}, key=_named):
        expected, found = needed.get(key, ZERO), held.get(key, ZERO)
        examination.expect(Ailment.RESERVATION_MISMATCH, _named(key), expected, found)


def _reserved_key(position: Row, side: Side) -> LedgerKey:
    if side is Side.BUY:
        return _cash_key(position, Bucket.RESERVED)
    return LedgerKey(
        position["account_id"], position["id"], position["instrument"], Bucket.INVENTORY_RESERVED
    )


def _cash_key(position: Row, bucket: Bucket) -> LedgerKey:
    holder = position["id"] if position["is_cell"] else position["account_id"]
    return LedgerKey(position["account_id"], holder, position["currency"], bucket)


def examine_positions(stored: Book, examination: Examination, rule: EntryRule) -> None:
    """Each position is what its fills, splits and receipts make it by the rule."""
    entries_of = _entries(stored)
    fills_of: dict[str, list[Row]] = defaultdict(list)
    for fill in stored.fills:
        fills_of[fill["position_id"]].append(fill)
    for position in stored.positions:
        basis, realized = rebuild(entries_of[position["id"]], rule)
        _compare_basis(position, basis, examination)
        for fill in fills_of[position["id"]]:
            made = realized[(fill["external_id"] or "", fill["id"])]
            subject = f"fill {fill['id']}"
            examination.expect(Ailment.FILL_REALIZED, subject, made, fill["realized_pnl"])


def _entries(stored: Book) -> dict[str, list[BookEntry]]:
    """Book entries by position, as `book_entries` makes them for one."""
    opening_price = {row["id"]: row["opening_price"] for row in stored.positions}
    entries: dict[str, list[BookEntry]] = defaultdict(list)
    for row in stored.fills:
        entries[row["position_id"]].append(
            BookEntry(
                EntryKind.FILL,
                row["executed_at"],
                (row["external_id"] or "", row["id"]),
                row["qty"],
                row["price"],
                Side(row["side"]),
                row["fee"],
                row["order_id"],
            )
        )
    for row in stored.applied_splits:
        entries[row["position_id"]].append(
            BookEntry(EntryKind.SPLIT, row["applied_at"], ("", row["split_id"]), row["ratio"])
        )
    for row in stored.transfers:
        if row["kind"] == TransferKind.IN_KIND:
            price = opening_price.get(row["to_holder"])
            entries[row["to_holder"]].append(
                BookEntry(
                    EntryKind.IN_KIND, row["occurred_at"], ("", row["id"]), row["amount"], price
                )
            )
    return entries


def _compare_basis(position: Row, basis: CostBasis, examination: Examination) -> None:
    subject = f"position {position['id']}"
    for code, name in (
        (Ailment.POSITION_QTY, "qty"),
        (Ailment.POSITION_COST, "cost"),
        (Ailment.POSITION_REALIZED, "realized_pnl"),
        (Ailment.POSITION_REALIZED, "realized_known"),
        (Ailment.POSITION_FEES, "fees_paid"),
    ):
        examination.expect(code, f"{subject} {name}", getattr(basis, name), position[name])


def _compare_ledger(position: Row, balances: Amounts, examination: Examination) -> None:
    subject = f"position {position['id']}"

    def held(*keys: LedgerKey) -> Decimal:
        return _sum(balances.get(key, ZERO) for key in keys)

    shares = [
        LedgerKey(position["account_id"], position["id"], position["instrument"], bucket)
        for bucket in (Bucket.INVENTORY, Bucket.INVENTORY_RESERVED)
    ]
    examination.expect(
        Ailment.POSITION_QTY, f"{subject} in the ledger", held(*shares), position["qty"]
    )
    if not position["is_cell"]:
        examination.expect(Ailment.POSITION_CASH, subject, ZERO, position["cash"])
        return
    cash = [_cash_key(position, bucket) for bucket in (Bucket.AVAILABLE, Bucket.RESERVED)]
    examination.expect(Ailment.POSITION_CASH, subject, held(*cash), position["cash"])
    receivable = held(_cash_key(position, Bucket.RECEIVABLE))
    examination.expect(Ailment.POSITION_RECEIVABLE, subject, receivable, position["receivable"])
