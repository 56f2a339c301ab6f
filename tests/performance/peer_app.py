"""What Ballast is measured against: plain FastAPI, one SQLAlchemy async-session insert per order.

Same durability (SQLite, WAL, synchronous=FULL), same server, no gate, no ledger, no events, no keys.
`/order` answers Ballast's own model from memory, `/orders` a hundred of them from its database and
`/orders/from-memory` a hundred that are there already.
"""

import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, Table, Text, event, insert, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.api.paging import Listing
from app.api.portfolio.schemas import CheckOut, OrderOut

engine = create_async_engine(
    f"sqlite+aiosqlite:///{os.environ['PEER_DATABASE']}", connect_args={"timeout": 30}
)


@event.listens_for(engine.sync_engine, "connect")
def _durable(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """Tables of the peer."""


class Order(Base):
    """One order, one row."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    position_id: Mapped[str]
    side: Mapped[str]
    qty: Mapped[str]
    status: Mapped[str]


class OrderIn(BaseModel):
    """The same body Ballast takes."""

    side: str
    qty: Decimal


class SubmittedOut(BaseModel):
    """The published part of Ballast's answer."""

    order_id: str
    accepted: bool
    position_id: str


_COLUMNS = [name for name in OrderOut.model_fields if name != "id"]
order_rows = Table(
    "order_rows", Base.metadata, Column("id", Text, primary_key=True),
    *(Column(name, Text) for name in _COLUMNS),
)  # fmt: skip
"""The same columns Ballast stores for an order; decimals, times and checks as text."""


def _row(order: OrderOut) -> dict[str, str | None]:
    document = order.model_dump(mode="json")
    checks = json.dumps(document.pop("checks"))
    texts = {name: None if value is None else str(value) for name, value in document.items()}
    return {**texts, "checks": checks}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(insert(order_rows), [_row(_order(n)) for n in range(100)])
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/positions/{position_id}/orders", status_code=201)
async def submit(position_id: str, body: OrderIn) -> SubmittedOut:
    order = Order(
        id=uuid.uuid4().hex,
        position_id=position_id,
        side=body.side,
        qty=str(body.qty),
        status="working",
    )
    async with sessions() as session:
        session.add(order)
        await session.commit()
    return SubmittedOut(order_id=order.id, accepted=True, position_id=position_id)


def _order(number: int) -> OrderOut:
    check = CheckOut(
        code="order_quantity", status="passed", severity="hard", limit_key="max_order_quantity",
        limit=Decimal("1.5"), before=None, used=Decimal(1), headroom=Decimal("0.5"),
        unit="quantity", source="account", data_quality=None, reason=None,
    )  # fmt: skip
    now = datetime.now(UTC)
    return OrderOut.model_validate(
        {
            "id": f"ord_{number:032x}", "client_order_id": f"blo_{number:032x}",
            "account_id": "acc_1", "position_id": "pos_1", "instrument": "ZIM",
            "venue": "manual", "side": "BUY", "order_type": "market", "qty": Decimal("1.5"),
            "limit_price": None, "stop_price": None, "time_in_force": "gtc", "good_till": None,
            "reduce_only": False, "intent": "open", "origin": "manual",
            "commission_rate": Decimal("0.0001"), "note": None, "status": "working",
            "filled_qty": Decimal(0), "remaining_qty": Decimal("1.5"), "avg_fill_price": None,
            "fees": Decimal(0), "reserved": Decimal(30), "reason": None, "rejected_by": None,
            "checks": [check] * 10, "evaluation_id": None, "created_at": now, "updated_at": now,
            "version": 1,
        }
    )  # fmt: skip


ONE = _order(0)


@app.get("/order")
async def one() -> OrderOut:
    return ONE


HUNDRED = Listing(items=[_order(number) for number in range(100)], next_cursor=None, total=None)


@app.get("/orders/from-memory")
async def hundred_from_memory() -> Listing[OrderOut]:
    return HUNDRED


@app.get("/orders")
async def hundred() -> Listing[OrderOut]:
    async with sessions() as session:
        rows = (await session.execute(select(order_rows).limit(100))).mappings().all()
    items = [OrderOut.model_validate({**row, "checks": json.loads(row["checks"])}) for row in rows]
    return Listing(items=items, next_cursor=None, total=None)
