"""Every venue inside the service keeps the same promises about orders and their executions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from application.ports.paper_market import PaperSnapshot, PaperTerms
from application.ports.venue import Accepted, CancelResult, TradingVenue
from domain.market.price_event import PriceTick
from domain.portfolio.execution import Execution, ExecutionReason
from domain.portfolio.fill import Liquidity
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import OrderType
from domain.portfolio.ticket import OrderTicket
from domain.shared.side import Side
from infrastructure.exchanges.journal import VenueJournal
from infrastructure.exchanges.manual.venue import ManualVenue
from infrastructure.exchanges.paper.engine import PaperEngine
from infrastructure.exchanges.paper.venue import PaperVenue
from tests.support.hand_clock import HandClock
from tests.support.paper import BTC, START

D = Decimal
LIMIT = D(90)
UNKNOWN_ID = "blo_nobody"


@dataclass(frozen=True, slots=True)
class Scene:
    """A venue and the way an order of 2 at 90 gets one execution there: price comes, or a person."""

    venue: TradingVenue
    clock: HandClock
    execute: Callable[[OrderTicket], None]


def manual() -> Scene:
    clock = HandClock(START)
    venue = ManualVenue(clock, VenueJournal())

    def execute(ticket: OrderTicket) -> None:
        venue.report(
            Execution(
                external_id=f"{ticket.order_id}:1",
                order_id=ticket.order_id,
                account_id=ticket.account_id,
                instrument=ticket.instrument,
                side=ticket.side,
                qty=ticket.qty,
                price=LIMIT,
                fee=D(0),
                slippage=D(0),
                liquidity=Liquidity.UNKNOWN,
                reason=ExecutionReason.LIMIT,
                executed_at=clock.now(),
            )
        )

    return Scene(venue, clock, execute)


def paper() -> Scene:
    clock = HandClock(START)
    market = PaperEngine(PaperTerms("acc_paper"), PaperSnapshot(D(10000)))
    venue = PaperVenue(market, clock, VenueJournal())

    def quote(instrument: str, price: Decimal) -> None:
        venue.on_tick(PriceTick(instrument, clock.now(), "hand", bid=price, ask=price, mark=price))

    for instrument in (BTC, "ETH-USDT-PERP"):
        quote(instrument, D(100))
    return Scene(venue, clock, lambda ticket: quote(ticket.instrument, LIMIT))


@pytest.fixture(params=[manual, paper])
def scene(request: pytest.FixtureRequest) -> Scene:
    made: Scene = request.param()
    return made


def ticket(number: int = 1, instrument: str = BTC) -> OrderTicket:
    return OrderTicket(
        order_id=f"ord_{number}",
        client_order_id=f"blo_{number}",
        account_id="acc_paper",
        instrument=instrument,
        side=Side.BUY,
        qty=D(2),
        tick_size=D("0.01"),
        type=OrderType.LIMIT,
        limit_price=LIMIT,
    )


async def test_an_order_is_accepted_and_found_by_its_client_id(scene: Scene) -> None:
    outcome = await scene.venue.submit(ticket())
    assert outcome == Accepted("ord_1", OrderStatus.WORKING)
    found = await scene.venue.find_order("blo_1", BTC)
    assert found is not None
    assert (found.venue_order_id, found.status, found.qty, found.filled_qty) == (
        "ord_1", OrderStatus.WORKING, 2, 0,
    )  # fmt: skip


async def test_the_same_client_id_never_makes_a_second_order(scene: Scene) -> None:
    first = await scene.venue.submit(ticket())
    again = await scene.venue.submit(replace(ticket(), order_id="ord_other"))
    assert again == first
    assert [o.venue_order_id for o in await scene.venue.open_orders()] == ["ord_1"]


async def test_an_order_sent_again_after_it_filled_is_not_executed_again(scene: Scene) -> None:
    await scene.venue.submit(ticket())
    scene.execute(ticket())
    assert await scene.venue.submit(ticket()) == Accepted("ord_1", OrderStatus.FILLED)
    assert len(await scene.venue.fills(START)) == 1


async def test_an_unknown_order_is_not_found(scene: Scene) -> None:
    assert await scene.venue.find_order(UNKNOWN_ID, BTC) is None
    assert (await scene.venue.cancel(UNKNOWN_ID, BTC)).result is CancelResult.NOT_FOUND


async def test_an_order_is_only_known_under_its_own_instrument(scene: Scene) -> None:
    await scene.venue.submit(ticket())
    assert await scene.venue.find_order("blo_1", "ETH-USDT-PERP") is None


async def test_open_orders_are_listed_oldest_first_and_by_instrument(scene: Scene) -> None:
    for number, instrument in ((1, BTC), (2, "ETH-USDT-PERP"), (3, BTC)):
        await scene.venue.submit(ticket(number, instrument))
    everything = await scene.venue.open_orders()
    assert [o.client_order_id for o in everything] == ["blo_1", "blo_2", "blo_3"]
    of_one = await scene.venue.open_orders("ETH-USDT-PERP")
    assert [o.client_order_id for o in of_one] == ["blo_2"]


async def test_a_cancelled_order_is_closed_and_stays_so(scene: Scene) -> None:
    await scene.venue.submit(ticket())
    assert (await scene.venue.cancel("blo_1", BTC)).result is CancelResult.CANCELLED
    assert await scene.venue.open_orders() == ()
    again = await scene.venue.cancel("blo_1", BTC)
    assert (again.result, again.status) == (CancelResult.ALREADY_CLOSED, OrderStatus.CANCELLED)


async def test_a_filled_order_cannot_be_cancelled(scene: Scene) -> None:
    await scene.venue.submit(ticket())
    scene.execute(ticket())
    late = await scene.venue.cancel("blo_1", BTC)
    assert (late.result, late.status) == (CancelResult.ALREADY_CLOSED, OrderStatus.FILLED)


async def test_fills_are_told_from_an_instant_on_inclusive_and_ascending(scene: Scene) -> None:
    for number in (1, 2):
        await scene.venue.submit(ticket(number))
        scene.execute(ticket(number))
    first, second = await scene.venue.fills(START)
    assert (first.order_id, second.order_id) == ("ord_1", "ord_2")
    assert first.executed_at < second.executed_at
    assert (first.qty, first.price) == (2, LIMIT)
    since_second = await scene.venue.fills(second.executed_at)
    assert [f.external_id for f in since_second] == [second.external_id]
    assert await scene.venue.fills(second.executed_at + timedelta(seconds=1)) == ()
    assert await scene.venue.fills(START, "ETH-USDT-PERP") == ()


async def test_a_filled_order_is_told_with_its_quantity(scene: Scene) -> None:
    await scene.venue.submit(ticket())
    scene.execute(ticket())
    found = await scene.venue.find_order("blo_1", BTC)
    assert found is not None
    assert (found.status, found.filled_qty) == (OrderStatus.FILLED, 2)
    assert await scene.venue.open_orders() == ()
