"""A paper market to test against: short ways to write tickets, quotes and bars."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from application.ports.paper_market import MarketAnswer, PaperSnapshot, PaperTerms, SizeModel
from domain.market.price_event import BookLevel, PriceBar, PriceTick
from domain.portfolio.order import OrderType, TimeInForce
from domain.portfolio.ticket import OrderTicket
from domain.shared.side import Side
from infrastructure.exchanges.paper.engine import PaperEngine

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BTC = "BTC-USDT-PERP"
RATE = Decimal("0.001")
SLIPPAGE = Decimal("0.0001")
D = Decimal


def after(seconds: float) -> datetime:
    """An instant of the test's day."""
    return START + timedelta(seconds=seconds)


def levels(*pairs: tuple[str, str]) -> tuple[BookLevel, ...]:
    """Levels from (price, quantity) texts."""
    return tuple(BookLevel(D(price), D(qty)) for price, qty in pairs)


class PaperScene:
    """One account; every order gets the next name, every price the next second."""

    def __init__(
        self,
        wallet: str = "10000",
        *,
        costs: bool = True,
        size_model: SizeModel = SizeModel.TOP,
        instrument: str = BTC,
    ) -> None:
        self.instrument = instrument
        self.costs = costs
        rate = RATE if costs else D(0)
        half_spread = SLIPPAGE if costs else D(0)
        self.terms = PaperTerms(
            "acc_paper", half_spread=half_spread, liquidation_rate=rate, size_model=size_model
        )
        self.engine = PaperEngine(self.terms, PaperSnapshot(D(wallet)))
        self.now = START
        self._orders = 0

    def ticket(
        self,
        side: Side,
        qty: str,
        kind: OrderType = OrderType.MARKET,
        *,
        limit: str | None = None,
        stop: str | None = None,
        trail: str | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        expires_at: datetime | None = None,
        reduce_only: bool = False,
        group: str | None = None,
        parent: str | None = None,
        leverage: int = 1,
        tick: str = "0.01",
    ) -> OrderTicket:
        self._orders += 1
        return OrderTicket(
            order_id=f"ord_{self._orders}",
            client_order_id=f"blo_{self._orders}",
            account_id=self.terms.account_id,
            instrument=self.instrument,
            side=side,
            qty=D(qty),
            tick_size=D(tick),
            type=kind,
            time_in_force=tif,
            limit_price=None if limit is None else D(limit),
            stop_price=None if stop is None else D(stop),
            trail_fraction=None if trail is None else D(trail),
            expires_at=expires_at,
            reduce_only=reduce_only,
            group_id=group,
            parent_id=parent,
            taker_rate=RATE if self.costs else D(0),
            maker_rate=RATE if self.costs else D(0),
            slippage=SLIPPAGE if self.costs else D(0),
            leverage=leverage,
        )

    def submit(self, ticket: OrderTicket, children: Sequence[OrderTicket] = ()) -> MarketAnswer:
        return self.engine.submit(ticket, self.now, children)

    def buy(self, qty: str, kind: OrderType = OrderType.MARKET, **terms: object) -> MarketAnswer:
        return self.submit(self.ticket(Side.BUY, qty, kind, **terms))  # type: ignore[arg-type]

    def sell(self, qty: str, kind: OrderType = OrderType.MARKET, **terms: object) -> MarketAnswer:
        return self.submit(self.ticket(Side.SELL, qty, kind, **terms))  # type: ignore[arg-type]

    def tick(self, **prices: object) -> MarketAnswer:
        """A quote one second later; texts become decimals."""
        self.now += timedelta(seconds=1)
        given = {k: D(v) if isinstance(v, str) else v for k, v in prices.items()}
        return self.engine.on_tick(
            PriceTick(self.instrument, self.now, "hand", **given)  # type: ignore[arg-type]
        )

    def at(self, price: str) -> MarketAnswer:
        """Bid, ask, last and mark in one place."""
        return self.tick(bid=price, ask=price, last=price, mark=price)

    def bar(self, open_: str, high: str, low: str, close: str) -> MarketAnswer:
        """The next minute's bar."""
        opens_at, self.now = self.now, self.now + timedelta(minutes=1)
        return self.engine.on_bar(
            PriceBar(
                self.instrument, opens_at, self.now, "hand", D(open_), D(high), D(low), D(close)
            )
        )
