"""Submit an order on paper: gate, margin, order and what the market answers in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from application.ports.ids import Ids
from application.ports.unit_of_work import UnitOfWork
from application.simulation.book_news import BookNews
from application.simulation.paper_desk import OpenDesk, PaperDesk
from application.simulation.paper_draft import drafted, require_first_signal
from application.simulation.paper_gate import PaperDraft, judged
from application.simulation.paper_instrument import paper_instrument, require_tradable
from application.simulation.paper_orders import PAPER_VENUE, close_unopened, new_position
from application.simulation.paper_request import (
    PaperOrderRequest,
    require_bracket,
    require_fitting_terms,
)
from application.simulation.paper_tickets import tickets_of
from application.simulation.recording import paper_event
from application.simulation.simulation_ids import SimulationIds
from application.simulation.valuation import value_run
from domain.portfolio.account import Account
from domain.portfolio.lifecycle import OrderFact, OrderStatus, next_status
from domain.portfolio.margin_fill import hold_margin
from domain.portfolio.order import Intent, Order, OrderTerms, OrderType
from domain.portfolio.position import Position
from domain.portfolio.simulation_run import SimulationRun
from domain.risk.verdict import Verdict
from domain.shared.decimals import ZERO, plain
from domain.shared.ids import Prefix
from domain.shared.side import Side


@dataclass(frozen=True, slots=True)
class PaperSubmitted:
    """The order as it stands after the market answered, and its protective orders."""

    order: Order
    verdict: Verdict
    children: tuple[Order, ...] = ()

    @property
    def accepted(self) -> bool:
        """False when gate or venue refused; the order is stored and readable all the same."""
        return self.order.status is not OrderStatus.REJECTED


@dataclass(frozen=True, slots=True)
class PreparedOrder:
    """A drafted order with its verdict and the market it would go to."""

    draft: PaperDraft
    desk: PaperDesk
    verdict: Verdict

    @property
    def price(self) -> Decimal:
        """What the market says the symbol is worth now, else the price its figures use."""
        valuation = None if self.desk.tick is None else self.desk.tick.valuation
        return valuation or self.draft.entry or ZERO


class SubmitPaperOrder:
    """Conflict `simulation_stopped`, `position_exists` for a second signal on a held symbol;
    Invalid for terms that do not fit and for what is `not_tradable`; a refusal by the gate is an
    answer.
    """

    def __init__(self, ids: Ids, open_desk: OpenDesk, book_news: BookNews) -> None:
        self._ids = SimulationIds(ids)
        self._open_desk = open_desk
        self._book = book_news

    def __call__(self, request: PaperOrderRequest, work: UnitOfWork) -> PaperSubmitted:
        return self.commit(self.prepare(request, work), work)

    def prepare(self, request: PaperOrderRequest, work: UnitOfWork) -> PreparedOrder:
        """Draft the order and run every check on it; nothing is written."""
        run = work.simulation.runs.current()
        run.require_running()
        require_fitting_terms(request, run.clock(work.now))
        instrument = paper_instrument(request.symbol, work)
        require_tradable(request, instrument, run)
        account = work.accounts.simulation()
        desk = self._open_desk(run, account, instrument.id, work)
        value = value_run(run, account, work)
        draft = drafted(request, desk, instrument, value)
        require_bracket(request, draft.entry)
        require_first_signal(request, desk)
        return PreparedOrder(draft, desk, judged(draft, desk, value, work))

    def commit(self, prepared: PreparedOrder, work: UnitOfWork) -> PaperSubmitted:
        """Store the order, refused or accepted, and tell the market of an accepted one."""
        draft, desk, verdict = prepared.draft, prepared.desk, prepared.verdict
        position = desk.position or new_position(
            desk.account, desk.run, desk.instrument, self._ids, work
        )
        order = self._order(draft, position, verdict, desk.account, work)
        if not verdict.allowed:
            done = self._refused(order, verdict, desk.run, work)
        else:
            done = self._sent(order, self._children(order, draft.request), prepared, work)
        if desk.position is None and not done.accepted:
            close_unopened(position.id, work)
        return done

    def _order(
        self,
        draft: PaperDraft,
        position: Position,
        verdict: Verdict,
        account: Account,
        work: UnitOfWork,
    ) -> Order:
        request = draft.request
        return Order(
            id=self._ids.new(Prefix.ORDER),
            client_order_id=self._ids.new(Prefix.CLIENT_ORDER),
            owner_id=position.owner_id,
            account_id=position.account_id,
            position_id=position.id,
            instrument=position.instrument,
            venue=PAPER_VENUE,
            terms=OrderTerms(
                side=request.side,
                qty=draft.qty,
                type=request.type,
                limit_price=request.limit_price,
                stop_price=request.stop_price,
                time_in_force=request.time_in_force,
                good_till=request.good_till,
                reduce_only=request.reduce_only or request.is_close,
                intent=_intent(request, position.qty),
                origin=request.origin,
                commission_rate=account.costs.commission_rate,
                note=request.note,
            ),
            status=OrderStatus.PENDING_SUBMIT,
            created_at=work.now,
            updated_at=work.now,
            reserved=draft.margin_needed,
            reservation_price=draft.margin_price,
            checks=verdict.checks,
        )

    def _refused(
        self, draft: Order, verdict: Verdict, run: SimulationRun, work: UnitOfWork
    ) -> PaperSubmitted:
        first = verdict.refusals[0]
        order = replace(
            draft,
            status=next_status(draft.status, OrderFact.REFUSED),
            reason=first.reason if first.code == "stale_data" else first.code,
            rejected_by="gate",
            reserved=None,
        )
        work.simulation.orders.add(order)
        paper_event(
            "order_refused",
            order.position_id,
            run,
            work,
            verdict.sentence(),
            inputs=_inputs(order),
            outputs={"order_id": order.id, "failed": [f.code for f in verdict.refusals]},
        )
        return PaperSubmitted(order, verdict)

    def _children(self, parent: Order, request: PaperOrderRequest) -> tuple[Order, ...]:
        side = Side.SELL if parent.terms.side is Side.BUY else Side.BUY
        wanted = (
            (OrderType.STOP_MARKET, None, request.stop_loss),
            (OrderType.LIMIT, request.take_profit, None),
        )
        return tuple(
            replace(
                parent,
                id=self._ids.new(Prefix.ORDER),
                client_order_id=self._ids.new(Prefix.CLIENT_ORDER),
                terms=OrderTerms(
                    side=side,
                    qty=parent.terms.qty,
                    type=kind,
                    limit_price=limit,
                    stop_price=stop,
                    reduce_only=True,
                    intent=Intent.PROTECT,
                    origin=parent.terms.origin,
                    commission_rate=parent.terms.commission_rate,
                ),
                reserved=None,
                reservation_price=None,
                checks=(),
            )
            for kind, limit, stop in wanted
            if limit is not None or stop is not None
        )

    def _sent(
        self,
        order: Order,
        children: Sequence[Order],
        prepared: PreparedOrder,
        work: UnitOfWork,
    ) -> PaperSubmitted:
        book, desk = work.simulation, prepared.desk
        position = book.positions.get(order.position_id)
        for made in (order, *children):
            book.orders.add(made)
        balances = book.ledger.balances(*position.holders)
        transfers = hold_margin(order, position, work.now, lambda: self._ids.new(Prefix.TRANSFER))
        balances.apply(transfers, on_margin=True)
        book.ledger.post(transfers, balances)
        paper_event(
            "order_submitted",
            position.id,
            desk.run,
            work,
            f"{order.terms.side} {plain(order.terms.qty)} {order.instrument} on paper.",
            inputs=_inputs(order),
            outputs={
                "order_id": order.id,
                "client_order_id": order.client_order_id,
                "children": [child.id for child in children],
                "reserved": order.reserved,
            },
        )
        tickets = tickets_of(order, children, prepared.draft, desk, self._ids.new(Prefix.GROUP))
        answer = desk.market.submit(tickets[0], desk.at, tickets[1:])
        notional = self._book(answer.news, desk, work, tickets)
        if notional:
            book.runs.save(desk.run.traded(notional))
        stored = [book.orders.get(made.id) for made in (order, *children)]
        return PaperSubmitted(stored[0], prepared.verdict, tuple(stored[1:]))


def _intent(request: PaperOrderRequest, held: Decimal) -> Intent:
    if request.is_close:
        return Intent.CLOSE
    if held == 0:
        return Intent.OPEN
    return Intent.INCREASE if held * request.side.sign > 0 else Intent.REDUCE


def _inputs(order: Order) -> dict[str, object]:
    terms = order.terms
    return {
        "side": terms.side.value,
        "qty": terms.qty,
        "type": terms.type.value,
        "limit_price": terms.limit_price,
        "stop_price": terms.stop_price,
        "intent": terms.intent.value,
        "origin": terms.origin.value,
    }
