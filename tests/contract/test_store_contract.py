"""One contract for every store: in memory, SQLite and PostgreSQL keep the same promises."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.context import RequestContext
from application.portfolio.create_cell import NewCell
from application.portfolio.move_cash import Movement
from application.portfolio.order_request import OrderRequest
from application.portfolio.record_fill import Execution
from application.ports.order_repositories import OrderFilter
from application.ports.plan_runner_book import PlanRunnerState, RunError
from application.ports.repositories import (
    EventFilter,
    Page,
    PositionFilter,
    StoredAnswer,
    StoredEvaluation,
)
from application.ports.unit_of_work import Store, UnitOfWork
from domain.portfolio.dividend import Dividend, DividendKind, Entitlement, EntitlementStatus
from domain.portfolio.ledger import sums_by_asset
from domain.portfolio.lifecycle import OrderStatus
from domain.portfolio.order import Origin, TimeInForce
from domain.portfolio.position import Position, PositionStatus
from domain.portfolio.split import Split
from domain.shared.canonical import canonical_json
from domain.shared.errors import Conflict, Fault, NotFound, StaleVersion
from domain.shared.events import NewEvent
from domain.shared.side import Side
from infrastructure.persistence.event_log import GENESIS, link
from tests.support.portfolio import (
    OWNER,
    START,
    STRANGER,
    SteppingClock,
    UseCases,
    main_account,
)
from tests.support.stores import STORES, store_of

USE = UseCases()
FIRST, SECOND, THIRD = "manual_anchor_set", "position_paused", "position_resumed"
D = Decimal


class Kept(Exception):
    """Raised inside commands that must leave nothing behind."""


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_of(request, tmp_path, SteppingClock()) as opened:
        main_account(opened)
        yield opened


def do(store: Store, work: Any, context: RequestContext = OWNER) -> Any:
    return store.command(work, context).result(timeout=30)


def see(store: Store, work: Any, context: RequestContext = OWNER) -> Any:
    return store.query(work, context)


def cell(store: Store, context: RequestContext = OWNER, **terms: Any) -> Position:
    new = NewCell(**{"ticker": "ZIM", "qty": D(0), "cash": D(10000), "plan": None, **terms})
    made: Position = do(store, lambda work: USE.create_cell(new, work), context)
    return made


def submit(store: Store, position: Position, side: Side, qty: Any, **more: Any) -> Any:
    request = OrderRequest(side, D(qty), **more)
    return do(store, lambda work: USE.submit(position.id, request, work)).order


def everything(work: UnitOfWork) -> object:
    """All that the owner can see of the book."""
    whole = Page(limit=500)
    positions = work.positions.list(PositionFilter(), whole)
    accounts = work.accounts.list(whole)
    return (
        accounts,
        positions,
        work.orders.list(OrderFilter(), whole),
        [work.fills.of_position(p.id) for p in positions],
        [work.ledger.transfers(a.id, whole) for a in accounts],
        [dict(work.ledger.amounts(a.id)) for a in accounts],
        [work.ledger.flows(a.id) for a in accounts],
        work.events.list(EventFilter(limit=500)),
        work.instruments.list(),
        work.dividends.list(whole),
        work.splits.list(whole),
        [work.evaluations.list(p.id, whole) for p in positions],
    )


def test_what_was_written_is_read_back_equal(store: Store) -> None:
    position = cell(store, ticker="AAPL", qty=D("1.50"), anchor_price=D("100.10"))
    order = submit(store, position, Side.BUY, "2.50", note="größer")
    assert see(store, lambda work: work.positions.get(position.id)) == position
    read = see(store, lambda work: work.orders.get(order.id))
    assert read == order
    assert [dict(check) for check in read.checks] == [dict(check) for check in order.checks]


def test_a_strangers_objects_do_not_exist(store: Store) -> None:
    position = cell(store)
    order = submit(store, position, Side.BUY, 1)
    account_id = position.account_id
    for ask, code in (
        (lambda w: w.positions.get(position.id), "position_not_found"),
        (lambda w: w.orders.get(order.id), "order_not_found"),
        (lambda w: w.accounts.get(account_id), "account_not_found"),
        (lambda w: w.accounts.main(), "account_not_found"),
    ):
        for run in (see, do, see, do):
            run(store, ask)
            with pytest.raises(NotFound) as caught:
                run(store, ask, STRANGER)
            assert caught.value.code == code
    whole = Page(limit=100)
    assert see(store, lambda w: w.positions.list(PositionFilter(), whole), STRANGER) == []
    assert see(store, lambda w: w.positions.count(PositionFilter()), STRANGER) == 0
    assert see(store, lambda w: w.orders.list(OrderFilter(), whole), STRANGER) == []
    assert see(store, lambda w: w.accounts.list(whole), STRANGER) == []
    assert see(store, lambda w: w.events.list(EventFilter()), STRANGER) == []
    assert see(store, lambda w: w.positions.holding("ZIM"), STRANGER) == []
    with pytest.raises(NotFound):
        do(store, lambda w: USE.fill(order.id, Execution(D(20), D(1)), w), STRANGER)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda w: w.accounts.get("acc_x"), "account_not_found"),
        (lambda w: w.positions.get("pos_x"), "position_not_found"),
        (lambda w: w.orders.get("ord_x"), "order_not_found"),
        (lambda w: w.evaluations.get("eval_x"), "evaluation_not_found"),
        (lambda w: w.dividends.get("div_x"), "dividend_not_found"),
        (lambda w: w.splits.get("spl_x"), "split_not_found"),
    ],
)
def test_what_is_not_there_has_its_own_code(store: Store, ask: Any, code: str) -> None:
    with pytest.raises(NotFound) as caught:
        see(store, ask)
    assert caught.value.code == code


def test_a_value_saved_over_another_version_is_stale(store: Store) -> None:
    position = cell(store)
    order = submit(store, position, Side.BUY, 1)
    account = see(store, lambda w: w.accounts.main())
    for save, value in (
        (lambda w, v: w.positions.save(v), position),
        (lambda w, v: w.orders.save(v), order),
        (lambda w, v: w.accounts.save(v), account),
    ):
        for wrong in (value.version, value.version + 2):
            with pytest.raises(StaleVersion) as caught:
                do(store, lambda w, s=save, v=value, n=wrong: s(w, replace(v, version=n)))
            assert caught.value.code == "stale_version"
        do(store, lambda w, s=save, v=value: s(w, replace(v, version=v.version + 1)))


def test_account_names_are_unique_per_owner(store: Store) -> None:
    account = see(store, lambda w: w.accounts.main())
    two = replace(account, id="acc_two", name="two")
    do(store, lambda w: w.accounts.add(two))
    with pytest.raises(Conflict) as caught:
        do(store, lambda w: w.accounts.add(replace(two, id="acc_three")))
    assert caught.value.code == "name_taken"
    with pytest.raises(Conflict) as caught:
        do(store, lambda w: w.accounts.save(replace(two, name="main", version=2)))
    assert caught.value.code == "name_taken"
    main_account(store, STRANGER)


def test_lists_page_by_key_in_both_directions_and_filter(store: Store) -> None:
    made = [cell(store, ticker=ticker) for ticker in ("ZIM", "AAPL", "ZIM", "ZIM", "AAPL")]
    ids = sorted(p.id for p in made)
    for descending in (False, True):
        wanted = ids[::-1] if descending else ids
        seen: list[str] = []
        after = None
        while True:
            page = Page(limit=2, after=after, descending=descending)
            rows = see(store, lambda w, p=page: w.positions.list(PositionFilter(), p))
            if not rows:
                break
            seen += [p.id for p in rows]
            after = rows[-1].id
        assert seen == wanted
    where = PositionFilter(instrument="ZIM", status="open", account_id=made[0].account_id)
    found = see(store, lambda w: w.positions.list(where, Page()))
    assert [p.id for p in found] == sorted(p.id for p in made if p.instrument == "ZIM")
    assert see(store, lambda w: w.positions.count(where)) == 3
    assert see(store, lambda w: w.positions.count(PositionFilter(status="closed"))) == 0
    assert see(store, lambda w: w.positions.count(PositionFilter(plan_kind="balancing"))) == 0


def test_transfers_page_by_the_key_they_come_with(store: Store) -> None:
    position = cell(store)
    for _ in range(4):
        do(store, lambda w: USE.move.cell(position.id, Movement(D(1), True), "external", w))
    account_id = position.account_id
    whole = see(store, lambda w: w.ledger.transfers(account_id, Page(limit=100)))
    seen: list[Any] = []
    after = None
    while rows := see(
        store, lambda w, a=after: w.ledger.transfers(account_id, Page(limit=2, after=a))
    ):
        seen += rows
        after = rows[-1][0]
    assert seen == list(whole)
    assert len(whole) == 6


def test_a_closed_position_is_not_held(store: Store) -> None:
    position = cell(store, cash=D(0))
    closed = replace(position, status=PositionStatus.CLOSED, closed_at=START, version=2)
    assert [p.id for p in see(store, lambda w: w.positions.holding("ZIM"))] == [position.id]
    do(store, lambda w: w.positions.save(closed))
    assert see(store, lambda w: w.positions.holding("ZIM")) == []


def test_a_command_that_fails_leaves_nothing_behind(store: Store) -> None:
    position = cell(store)
    before = see(store, everything)

    def fails(work: UnitOfWork) -> None:
        USE.create_cell(NewCell("NEW", D(1), D(5)), work)
        order = USE.submit(position.id, OrderRequest(Side.BUY, D(2)), work).order
        USE.fill(order.id, Execution(D(20), D(1)), work)
        USE.move.cell(position.id, Movement(D(1), False), "account", work)
        work.idempotency.store("scope", "key", StoredAnswer("s", 200, b"{}", "application/json"))
        raise Kept

    with pytest.raises(Kept):
        do(store, fails)
    assert see(store, everything) == before
    assert see(store, lambda w: w.idempotency.find("scope", "key")) is None


def test_a_savepoint_undoes_its_block_and_only_its_block(store: Store) -> None:
    position = cell(store)

    def partly(work: UnitOfWork) -> tuple[str, str]:
        first = USE.submit(position.id, OrderRequest(Side.BUY, D(1)), work).order
        with pytest.raises(Kept), work.savepoint():
            order = USE.submit(position.id, OrderRequest(Side.BUY, D(2)), work).order
            with work.savepoint():
                USE.fill(order.id, Execution(D(20), D(1)), work)
            raise Kept
        with pytest.raises(Kept), work.savepoint():
            with work.savepoint():
                USE.fill(first.id, Execution(D(30), D(1)), work)
            raise Kept
        with work.savepoint():
            last = USE.submit(position.id, OrderRequest(Side.BUY, D(3)), work).order
        return first.id, last.id

    kept = do(store, partly)
    orders = see(store, lambda w: w.orders.list(OrderFilter(), Page()))
    assert [(o.id, o.terms.qty) for o in orders] == [(kept[0], 1), (kept[1], 3)]
    assert see(store, lambda w: w.fills.of_position(position.id)) == []
    assert see(store, lambda w: w.positions.get(position.id)) == position
    submitted = EventFilter(types=("order_submitted", "order_filled"))
    assert [e.type for e in see(store, lambda w: w.events.list(submitted))] == [
        "order_submitted",
        "order_submitted",
    ]
    check_chain(store)


def check_chain(store: Store) -> list[Any]:
    """The log of one owner that wrote alone: gapless, chained, counted per aggregate."""
    events = list(see(store, lambda w: w.events.list(EventFilter(limit=5000))))
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert see(store, lambda w: w.events.last_seq()) == len(events)
    previous = GENESIS
    numbers: dict[str, int] = {}
    for event in events:
        assert event.hash == link(previous, event, canonical_json(event.data))
        previous = event.hash
        numbers[event.aggregate_id] = numbers.get(event.aggregate_id, 0) + 1
        assert event.aggregate_seq == numbers[event.aggregate_id]
    return events


def note(position: Position, kind: str, **data: Any) -> NewEvent:
    return NewEvent(kind, "position", position.id, position.account_id, data, START)


def test_events_are_gapless_chained_and_counted_per_aggregate(store: Store) -> None:
    one, two = cell(store), cell(store)
    data = {
        "n": D("1.50"),
        "big": D("99999999999999999999"),
        "text": 'Zürich "q" \\ \n',
        "none": None,
    }
    told = [note(one, FIRST, **data), note(two, SECOND), note(one, THIRD)]
    do(store, lambda w: w.events.append(told))
    events = check_chain(store)
    newest = [e for e in events if e.type in (FIRST, SECOND, THIRD)]
    assert [(e.type, e.aggregate_seq) for e in newest] == [(FIRST, 2), (SECOND, 2), (THIRD, 3)]
    assert dict(newest[0].data) == data
    assert newest[0].owner_id == OWNER.owner_id
    assert newest[0].request_id == OWNER.request_id


def test_appended_events_are_returned_as_they_are_stored(store: Store) -> None:
    position = cell(store)
    logged = do(store, lambda w: w.events.append([note(position, FIRST, x=D("0.1"))]))
    stored = see(store, lambda w: w.events.list(EventFilter(types=(FIRST,))))
    assert list(logged) == list(stored)


def test_events_filter_by_type_aggregate_and_sequence(store: Store) -> None:
    one, two = cell(store), cell(store)
    do(store, lambda w: w.events.append([note(one, FIRST), note(two, FIRST), note(two, SECOND)]))

    def kinds(**where: Any) -> list[str]:
        return [e.type for e in see(store, lambda w: w.events.list(EventFilter(**where)))]

    assert kinds(types=(FIRST, SECOND)) == [FIRST, FIRST, SECOND]
    assert kinds(types=(FIRST, SECOND), aggregate_id=two.id) == [FIRST, SECOND]
    last = see(store, lambda w: w.events.last_seq())
    assert kinds(after_seq=last - 1) == [SECOND]
    assert kinds(types=(FIRST,), limit=1) == [FIRST]
    assert kinds(after_seq=last) == []


def test_listeners_hear_the_newest_sequence_number(store: Store) -> None:
    heard: list[int] = []
    store.on_commit(heard.append)
    position = cell(store)
    newest = see(store, lambda w: w.events.last_seq())
    assert heard[-1] == newest
    do(store, lambda w: w.positions.get(position.id))
    assert heard[-1] == newest


def test_answers_belong_to_owner_scope_and_key(store: Store) -> None:
    answer = StoredAnswer("sig", 201, b'{"\xc3\xa9":1}', "application/json")
    do(store, lambda w: w.idempotency.store("POST /x", "k", answer))
    assert see(store, lambda w: w.idempotency.find("POST /x", "k")) == answer
    assert see(store, lambda w: w.idempotency.find("POST /y", "k")) is None
    assert see(store, lambda w: w.idempotency.find("POST /x", "K")) is None
    assert see(store, lambda w: w.idempotency.find("POST /x", "k"), STRANGER) is None
    do(store, lambda w: w.idempotency.store("POST /x", "k", answer), STRANGER)
    with pytest.raises(Exception):  # noqa: B017 - each store has its own name for it
        do(store, lambda w: w.idempotency.store("POST /x", "k", replace(answer, status=200)))
    assert see(store, lambda w: w.idempotency.find("POST /x", "k")) == answer
    later = START + timedelta(hours=1)
    assert do(store, lambda w: w.idempotency.forget_before(START, 10)) == 0
    assert do(store, lambda w: w.idempotency.forget_before(later, 1)) == 1
    assert see(store, lambda w: w.idempotency.find("POST /x", "k")) is None, "the oldest goes first"
    assert see(store, lambda w: w.idempotency.find("POST /x", "k"), STRANGER) == answer
    assert do(store, lambda w: w.idempotency.forget_before(later, 10)) == 1, "of every owner"


def test_one_automatic_order_in_flight_per_position(store: Store) -> None:
    position = cell(store)
    first = submit(store, position, Side.BUY, 1, origin=Origin.PLAN)
    before = see(store, everything)
    with pytest.raises(Conflict) as refused:
        submit(store, position, Side.BUY, 2, origin=Origin.PLAN)
    assert refused.value.code == "automatic_order_in_flight"
    assert see(store, everything) == before
    submit(store, cell(store), Side.BUY, 2, origin=Origin.PLAN)
    submit(store, position, Side.BUY, 2)
    do(store, lambda w: USE.end.cancel(first.id, w))
    submit(store, position, Side.BUY, 2, origin=Origin.PLAN)


def test_open_orders_counts_and_similar_orders(store: Store) -> None:
    position = cell(store, qty=D(10), anchor_price=D(10))
    buy = submit(store, position, Side.BUY, 1)
    sell = submit(store, position, Side.SELL, 2)
    gone = submit(store, position, Side.BUY, 3)
    do(store, lambda w: USE.end.cancel(gone.id, w))
    do(store, lambda w: USE.fill(buy.id, Execution(D(10), D("0.4")), w))
    refused = submit(store, position, Side.SELL, 100)
    assert refused.status == "rejected"
    assert [o.id for o in see(store, lambda w: w.orders.open_of(position.id))] == [buy.id, sell.id]
    claims = {c.id: c for c in see(store, lambda w: w.orders.claims_of(position.id))}
    assert claims[buy.id].remaining_qty == D("0.6")
    assert (claims[sell.id].reserved, claims[sell.id].side) == (2, Side.SELL)
    later = START + timedelta(days=1)
    assert see(store, lambda w: w.orders.accepted_between(position.id, START, later)) == 2
    assert see(store, lambda w: w.orders.accepted_between(position.id, START, START)) == 0
    assert see(store, lambda w: w.orders.accepted_between(position.id, later, later)) == 0
    assert see(store, lambda w: w.orders.last_similar_at(sell, START)) == sell.created_at
    other = replace(sell, terms=replace(sell.terms, limit_price=D(5)))
    assert see(store, lambda w: w.orders.last_similar_at(other, START)) is None
    assert see(store, lambda w: w.orders.last_similar_at(refused, START)) is None
    rejected = OrderFilter(position_id=position.id, status="rejected")
    assert [o.id for o in see(store, lambda w: w.orders.list(rejected, Page()))] == [refused.id]
    assert see(store, lambda w: w.orders.count(OrderFilter(position_id=position.id))) == 4


def test_a_client_order_id_names_one_order_for_ever(store: Store) -> None:
    position = cell(store)
    mine = f"blo_{'a' * 32}"
    assert see(store, lambda w: w.orders.client_order_id_exists(mine)) is False
    order = submit(store, position, Side.BUY, 1, client_order_id=mine)
    assert order.client_order_id == mine
    do(store, lambda w: USE.end.cancel(order.id, w))
    assert see(store, lambda w: w.orders.client_order_id_exists(mine), STRANGER) is True
    again = submit(store, position, Side.BUY, 3, client_order_id=mine)
    assert (again.status, again.reason) == ("rejected", "duplicate_order")
    assert again.client_order_id != mine
    assert see(store, lambda w: w.orders.get(again.id)) == again


def test_orders_whose_time_is_up_are_found_for_every_owner_oldest_first(store: Store) -> None:
    stock, coin = cell(store), cell(store, ticker="BTC-USD")
    end = START + timedelta(hours=1)
    day = [
        submit(store, position, Side.BUY, n, time_in_force=TimeInForce.DAY)
        for position, n in ((stock, 1), (stock, 2), (coin, 1))
    ]
    till = submit(store, stock, Side.BUY, 3, time_in_force=TimeInForce.GTD, good_till=end)
    kept = submit(store, stock, Side.BUY, 4)
    gone = submit(store, stock, Side.BUY, 5, time_in_force=TimeInForce.DAY)
    do(store, lambda w: USE.end.cancel(gone.id, w))
    later = START + timedelta(days=1)

    def found(look: Any) -> list[str]:
        return [order.id for order in see(store, lambda w: look(w.orders), STRANGER)]

    assert see(store, lambda w: w.orders.day_calendars()) == ["24/7", "XNYS"]
    assert found(lambda o: o.day_orders("XNYS", later, 9)) == [day[0].id, day[1].id]
    assert found(lambda o: o.day_orders("XNYS", later, 1)) == [day[0].id]
    assert found(lambda o: o.day_orders("XNYS", day[1].created_at, 9)) == [day[0].id]
    assert found(lambda o: o.day_orders("24/7", later, 9)) == [day[2].id]
    assert found(lambda o: o.good_till_passed(end, 9)) == [till.id]
    assert found(lambda o: o.good_till_passed(end - timedelta(seconds=1), 9)) == []
    owners = see(store, lambda w: w.orders.good_till_passed(end, 9), STRANGER)
    assert [order.owner_id for order in owners] == [OWNER.owner_id]
    at_once = submit(store, coin, Side.BUY, 6, time_in_force=TimeInForce.FOK)
    waiting = replace(
        at_once, id="ord_waiting", client_order_id="blo_waiting", deferred_until=later
    )
    do(store, lambda w: w.orders.add(waiting))
    assert found(lambda o: o.immediate_orders(later, 9)) == [at_once.id]
    assert found(lambda o: o.immediate_orders(at_once.created_at, 9)) == []
    unsent = replace(
        kept, id="ord_unsent", client_order_id="blo_unsent", status=OrderStatus.PENDING_SUBMIT
    )
    deferred = replace(
        unsent, id="ord_deferred", client_order_id="blo_deferred", deferred_until=later
    )
    do(store, lambda w: w.orders.add(unsent))
    do(store, lambda w: w.orders.add(deferred))
    assert see(store, lambda w: w.orders.get("ord_deferred")).deferred_until == later
    assert found(lambda o: o.unsent(later, 9)) == ["ord_unsent"]
    assert found(lambda o: o.unsent(kept.created_at, 9)) == []


def test_the_last_automatic_evaluation_is_the_newest_that_nobody_asked_for(store: Store) -> None:
    position = cell(store)
    assert see(store, lambda w: w.evaluations.last_automatic(position.id)) is None

    def add(work: UnitOfWork) -> None:
        for n, mode in enumerate(("paper", "live", "manual")):
            work.evaluations.add(
                StoredEvaluation(f"eval_{n}", position.id, mode, "HOLD", START, None, None, {})
            )

    do(store, add)
    last = see(store, lambda w: w.evaluations.last_automatic(position.id))
    assert last.id == "eval_1"
    assert see(store, lambda w: w.evaluations.last_automatic(position.id), STRANGER) is None


def test_fills_are_found_by_external_id_and_restated(store: Store) -> None:
    position = cell(store)
    order = submit(store, position, Side.BUY, 3)
    done = [
        do(store, lambda w, e=e: USE.fill(order.id, Execution(D(20), D(1), external_id=e), w)).fill
        for e in ("x-1", "x-2")
    ]
    found = see(store, lambda w: w.fills.by_external_id("manual", position.account_id, "x-2"))
    assert found == done[1]
    assert see(store, lambda w: w.fills.by_external_id("paper", position.account_id, "x-2")) is None
    assert see(store, lambda w: w.fills.page_of_position(position.id, Page(limit=1))) == [done[0]]
    account_id, later = position.account_id, Page(limit=5, after=done[0].id)
    mine = see(store, lambda w: w.fills.page_of_account("manual", account_id, Page(limit=1)))
    assert mine == [done[0]]
    rest = see(store, lambda w: w.fills.page_of_account("manual", account_id, later))
    assert rest == list(done[1:])
    assert see(store, lambda w: w.fills.page_of_account("paper", account_id, later)) == []
    do(store, lambda w: w.fills.restate({done[0].id: D("1.5"), "fil_unknown": D(1)}))
    assert [f.realized_pnl for f in see(store, lambda w: w.fills.of_position(position.id))] == [
        D("1.5"),
        None,
    ]
    duplicate = replace(done[0], id="fil_other")
    with pytest.raises(Exception):  # noqa: B017 - each store has its own name for it
        do(store, lambda w: w.fills.add(duplicate))


def test_evaluations_keep_their_document_and_their_outcome(store: Store) -> None:
    position = cell(store)
    rows = [
        StoredEvaluation(
            f"eval_{n}", position.id, "manual", action, START + timedelta(hours=n), None, None,
            {"price": D("97.10"), "count": 2, "list": [D("1.5")], "none": None},
        )
        for n, action in enumerate(("HOLD", "BUY", "HOLD"))
    ]  # fmt: skip
    for row in rows:
        do(store, lambda w, r=row: w.evaluations.add(r))
    assert see(store, lambda w: w.evaluations.list(position.id, Page())) == rows
    outcome = replace(rows[1], order_id="ord_1", document={"done": True})
    do(store, lambda w: w.evaluations.save_outcome(outcome))
    assert see(store, lambda w: w.evaluations.get("eval_1")) == outcome

    def found(**where: Any) -> list[str]:
        return [
            r.id for r in see(store, lambda w: w.evaluations.list(position.id, Page(), **where))
        ]

    assert found(action="HOLD") == ["eval_0", "eval_2"]
    assert found(start=START + timedelta(hours=1)) == ["eval_1", "eval_2"]
    assert found(end=START + timedelta(hours=1)) == ["eval_0"]
    with pytest.raises(NotFound):
        see(store, lambda w: w.evaluations.get("eval_1"), STRANGER)
    assert see(store, lambda w: w.evaluations.list(position.id, Page()), STRANGER) == []


def test_dividends_free_their_key_when_cancelled(store: Store) -> None:
    position = cell(store)
    first = Dividend("div_1", "ZIM", date(2026, 3, 1), D("0.82"), "USD")
    do(store, lambda w: w.dividends.add(first))
    key = ("ZIM", date(2026, 3, 1), "regular")
    assert see(store, lambda w: w.dividends.find(*key)) == first
    assert see(store, lambda w: w.dividends.find("ZIM", date(2026, 3, 1), "special")) is None
    assert see(store, lambda w: w.dividends.find(*key), STRANGER) is None
    do(store, lambda w: w.dividends.mark_cancelled("div_1"))
    assert see(store, lambda w: w.dividends.is_cancelled("div_1"))
    assert see(store, lambda w: w.dividends.find(*key)) is None
    second = replace(first, id="div_2", dps=D("0.9"), kind=DividendKind.REGULAR)
    do(store, lambda w: w.dividends.add(second))
    late = replace(first, id="div_3", ex_date=date(2026, 6, 1))
    do(store, lambda w: w.dividends.add(late))
    assert see(store, lambda w: w.dividends.list(Page())) == [second, late]
    june = date(2026, 4, 1)
    assert see(store, lambda w: w.dividends.list(Page(), ex_date_from=june)) == [late]
    assert see(store, lambda w: w.dividends.list(Page(), instrument="AAPL")) == []
    entitlement = Entitlement(
        "ent_1", "div_2", position.id, D(10), D("0.25"), D(9), D("2.25"), D("6.75"), None, None
    )
    do(store, lambda w: w.dividends.add_entitlement(entitlement))
    paid = replace(entitlement, status=EntitlementStatus.PAID, paid_on=june)
    do(store, lambda w: w.dividends.save_entitlement(paid))
    assert see(store, lambda w: w.dividends.entitlements("div_2")) == [paid]
    assert see(store, lambda w: w.dividends.entitlements_of(position.id)) == [paid]
    with pytest.raises(Exception):  # noqa: B017 - each store has its own name for it
        do(store, lambda w: w.dividends.add_entitlement(replace(entitlement, id="ent_2")))


def test_a_split_is_marked_applied_once_per_position(store: Store) -> None:
    position = cell(store)
    split = Split("spl_1", "ZIM", D("0.1"), date(2026, 3, 1))
    do(store, lambda w: w.splits.add(split))
    assert see(store, lambda w: w.splits.find("ZIM", date(2026, 3, 1))) == split
    assert see(store, lambda w: w.splits.list(Page(), instrument="ZIM")) == [split]
    assert do(store, lambda w: w.splits.mark_applied("spl_1", position.id, START)) is True
    assert do(store, lambda w: w.splits.mark_applied("spl_1", position.id, START)) is False
    applied = see(store, lambda w: w.splits.applied_to_position(position.id))
    assert [(a.split_id, a.ratio, a.at) for a in applied] == [("spl_1", D("0.1"), START)]
    with pytest.raises(NotFound):
        see(store, lambda w: w.splits.get("spl_1"), STRANGER)


def test_what_a_query_writes_is_not_kept(store: Store) -> None:
    position = cell(store)
    before = see(store, everything)
    with pytest.raises(Exception):  # noqa: B017 - each store has its own name for it
        see(store, lambda w: USE.submit(position.id, OrderRequest(Side.BUY, D(1)), w))
    assert see(store, everything) == before


def test_a_query_sees_whole_commands_only(store: Store) -> None:
    position = cell(store)
    written, release = threading.Event(), threading.Event()

    def slow(work: UnitOfWork) -> None:
        USE.submit(position.id, OrderRequest(Side.BUY, D(1)), work)
        written.set()
        assert release.wait(10)
        raise Kept

    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(lambda: store.command(slow, OWNER).exception(timeout=20))
        assert written.wait(10)
        reading = pool.submit(
            lambda: see(store, lambda w: w.orders.count(OrderFilter(position_id=position.id)))
        )
        release.set()
        assert isinstance(running.result(timeout=20), Kept)
        assert reading.result(timeout=20) == 0


def test_commands_from_many_threads_happen_one_after_another(store: Store) -> None:
    position = cell(store, cash=D(100))
    barrier = threading.Barrier(8)

    def contend(number: int) -> list[bool]:
        barrier.wait()
        outcomes = []
        for turn in range(10):
            incoming = (number + turn) % 2 == 0
            movement = Movement(D(7), incoming)
            future = store.command(
                lambda w, m=movement: USE.move.cell(position.id, m, "external", w), OWNER
            )
            error = future.exception(timeout=30)
            assert error is None or (isinstance(error, Fault) and error.code == "insufficient_cash")
            outcomes.append(error is None and incoming)
            outcomes.append(error is None and not incoming)
        return outcomes

    with ThreadPoolExecutor(8) as pool:
        results = [r for rows in pool.map(contend, range(8)) for r in rows]
    deposited, withdrawn = sum(results[0::2]), sum(results[1::2])
    after = see(store, lambda w: w.positions.get(position.id))
    assert after.cash == 100 + 7 * (deposited - withdrawn)
    assert after.version == 1 + deposited + withdrawn
    amounts = see(store, lambda w: w.ledger.amounts(position.account_id))
    money = see(store, lambda w: w.ledger.money(position.account_id, "USD"))
    assert money == {key: amount for key, amount in amounts.items() if key.asset == "USD"}
    assert money
    assert set(sums_by_asset(amounts).values()) == {D(0)}
    check_chain(store)


def test_a_posted_command_reports_its_result_or_its_fault(store: Store) -> None:
    position = cell(store)
    heard: list[Any] = []
    done = threading.Event()

    def reply(result: Any, error: BaseException | None) -> None:
        heard.append((result, error))
        done.set()

    store.post(lambda w: w.positions.get(position.id), OWNER, reply)
    assert done.wait(10)
    done.clear()
    store.post(lambda w: w.positions.get("pos_x"), OWNER, reply)
    assert done.wait(10)
    assert heard[0] == (position, None)
    assert isinstance(heard[1][1], NotFound)


def test_the_plan_runner_is_off_until_somebody_saves_something_else(store: Store) -> None:
    assert see(store, lambda work: work.plan_runner.read()) == PlanRunnerState()
    error = RunError(START, None, "defect", "ArithmeticError.")
    told = PlanRunnerState(True, START, START + timedelta(seconds=1), 7, (error,))
    do(store, lambda work: work.plan_runner.save(told))
    assert see(store, lambda work: work.plan_runner.read()) == told
    do(store, lambda work: work.plan_runner.save(replace(told, is_on=False, runs_until=None)))
    assert see(store, lambda work: work.plan_runner.read()).is_on is False
    assert see(store, lambda work: work.plan_runner.read(), STRANGER) == PlanRunnerState()


def test_a_switch_of_a_command_that_failed_was_not_switched(store: Store) -> None:
    def fails(work: UnitOfWork) -> None:
        work.plan_runner.save(PlanRunnerState(is_on=True))
        raise Kept

    with pytest.raises(Kept):
        do(store, fails)
    assert see(store, lambda work: work.plan_runner.read().is_on) is False
