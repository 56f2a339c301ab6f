"""The simulation's part of the examination: its ledger, margin, positions and round trips."""

from collections import defaultdict
from decimal import Decimal

from sqlalchemy import Table, select

from domain.portfolio.ledger import OWN_BUCKETS, SIGNED_ON_MARGIN, Bucket, LedgerKey
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.margin import MarginClaim, isolated_margin, order_margin
from domain.portfolio.margin_basis import apply_margin_entry
from domain.shared.decimals import ZERO
from domain.shared.side import Side
from infrastructure.persistence.book_session import SimulationSession
from infrastructure.persistence.doctor_book import (
    Book,
    examine_ledger,
    examine_orders,
    examine_positions,
    ledger_key,
)
from infrastructure.persistence.examination import Ailment, Examination
from infrastructure.persistence.session import Row, SqlSession
from infrastructure.persistence.tables import ledger
from infrastructure.persistence.tables import portfolio as book
from infrastructure.persistence.tables.simulation import (
    sim_round_trips,
    sim_runs,
    sim_tickets,
)


def examine_simulation(session: SqlSession, examination: Examination) -> None:
    """Every run, the archived ones too."""
    stored = _read(SimulationSession(session))
    trips = session.built(select(sim_round_trips))
    runs = session.built(select(sim_runs.c.id))
    resting = session.built(
        select(sim_tickets).where(sim_tickets.c.ended_at.is_(None)).order_by(sim_tickets.c.seq)
    )
    for name in ("positions", "orders", "fills", "transfers"):
        examination.looked(f"simulation {name}", len(getattr(stored, name)))
    examine_ledger(stored, examination, OWN_BUCKETS - SIGNED_ON_MARGIN)
    examine_orders(stored, examination)
    examine_positions(stored, examination, apply_margin_entry)
    _examine_contracts(stored, examination)
    for run in runs:
        _examine_margin(str(run["id"]), stored, trips, examination)
        _examine_order_margin(str(run["id"]), stored, resting, examination)
        _examine_trips(str(run["id"]), stored, trips, examination)


def _read(session: SimulationSession) -> Book:
    def rows(table: Table) -> list[Row]:
        return session.built(select(table))

    return Book(
        positions=rows(book.positions),
        orders=rows(book.orders),
        fills=rows(book.fills),
        transfers=session.built(select(ledger.transfers).order_by(ledger.transfers.c.seq)),
        balances={ledger_key(row): row["amount"] for row in rows(ledger.balances)},
        applied_splits=[],
    )


def _examine_contracts(stored: Book, examination: Examination) -> None:
    """Contracts in the ledger are the positions'; a short is a negative inventory."""
    for row in stored.positions:
        key = LedgerKey(row["account_id"], row["id"], row["instrument"], Bucket.INVENTORY)
        subject = f"position {row['id']} in the ledger"
        found = stored.balances.get(key, ZERO)
        examination.expect(Ailment.POSITION_QTY, subject, found, row["qty"])


def _examine_margin(run_id: str, stored: Book, trips: list[Row], examination: Examination) -> None:
    """The margin bucket holds what positions and open orders use, and nothing else."""
    leverage = {t["position_id"]: t["leverage"] for t in trips if t["closed_at"] is None}
    used = sum(
        (
            isolated_margin(row["cost"], leverage.get(row["id"], 1))
            for row in stored.positions
            if row["account_id"] == run_id and row["qty"]
        ),
        ZERO,
    )
    held = sum(
        (
            row["reserved"]
            for row in stored.orders
            if row["account_id"] == run_id
            and row["reserved"]
            and not OrderStatus(row["status"]).is_terminal
        ),
        ZERO,
    )
    found = sum(
        (
            amount
            for key, amount in stored.balances.items()
            if key.account_id == run_id and key.bucket is Bucket.MARGIN
        ),
        ZERO,
    )
    subject = f"margin of run {run_id}"
    examination.expect(Ailment.RESERVATION_MISMATCH, subject, used + held, found)


def _examine_order_margin(
    run_id: str, stored: Book, resting: list[Row], examination: Examination
) -> None:
    """Resting orders of a symbol hold together what they could open beyond the position."""
    qty: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in stored.positions:
        if row["account_id"] == run_id:
            qty[row["instrument"]] += row["qty"]
    orders = {row["id"]: row for row in stored.orders if row["account_id"] == run_id}
    claims: dict[str, list[MarginClaim]] = defaultdict(list)
    held: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for ticket in resting:
        order = orders.get(ticket["order_id"])
        if order is None or order["reduce_only"]:
            continue
        held[ticket["instrument"]] += order["reserved"] or ZERO
        claims[ticket["instrument"]].append(
            MarginClaim(
                Side(order["side"]).sign * ticket["open_qty"],
                order["reservation_price"] or ZERO,
                int(ticket["terms"]["leverage"]),
                order["commission_rate"],
            )
        )
    for instrument, claimed in claims.items():
        subject = f"margin of the orders in {instrument} of run {run_id}"
        expected = order_margin(qty[instrument], claimed)
        examination.expect(Ailment.RESERVATION_MISMATCH, subject, expected, held[instrument])


def _examine_trips(run_id: str, stored: Book, trips: list[Row], examination: Examination) -> None:
    """Round trips share out exactly what the positions realised and paid."""
    of_positions: dict[str, Decimal] = defaultdict(lambda: ZERO)
    of_trips: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in stored.positions:
        if row["account_id"] == run_id:
            of_positions["realized_pnl"] += row["realized_pnl"]
            of_positions["fees"] += row["fees_paid"]
    for row in trips:
        if row["run_id"] == run_id:
            of_trips["realized_pnl"] += row["realized_pnl"]
            of_trips["fees"] += row["fees"]
    for name in ("realized_pnl", "fees"):
        subject = f"{name} of the round trips of run {run_id}"
        examination.expect(Ailment.ROUND_TRIPS, subject, of_positions[name], of_trips[name])
