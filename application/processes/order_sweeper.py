"""Ends orders whose time is up, every few seconds; also those that were due while nobody looked."""

import logging
from functools import partial

from application.context import SYSTEM, RequestContext
from application.portfolio.sweep_orders import DueOrder, SweepOrders
from application.ports.ids import Ids
from application.ports.unit_of_work import Store
from application.processes.periodic import Periodic, kind_of
from domain.shared.ids import Prefix

NAME = "order_sweeper"
EVERY_S = 5.0
ORDERS_PER_LOOK = 50
COMMAND_WITHIN_S = 30.0
log = logging.getLogger("ballast.orders")


class OrderSweeper:
    """A command per order: one that cannot end keeps no other open."""

    def __init__(self, store: Store, sweep: SweepOrders, ids: Ids) -> None:
        self._store = store
        self._sweep = sweep
        self._ids = ids
        self.process = Periodic(NAME, self.turn, EVERY_S)

    def turn(self) -> int:
        """End what is due, in looks of 50; how many ended."""
        ended = 0
        while not self.process.is_stopping:
            due = self._store.query(lambda work: self._sweep.due(work, ORDERS_PER_LOOK), SYSTEM)
            done = self._end(due)
            ended += done
            # An order that does not end comes again with the next look, which would never be last.
            if done < len(due) or len(due) < ORDERS_PER_LOOK:
                return ended
        return ended

    def _end(self, due: list[DueOrder]) -> int:
        request_id = self._ids.new(Prefix.REQUEST)
        futures = [
            self._store.command(
                partial(self._sweep, item),
                RequestContext(item.order.owner_id, NAME, request_id),
            )
            for item in due
        ]
        ended = 0
        for item, future in zip(due, futures, strict=True):
            try:
                ended += future.result(COMMAND_WITHIN_S)
            except Exception as error:  # noqa: BLE001 - process loop: one order must not stop the others
                log.warning("order %s does not end: %s", item.order.id, kind_of(error))
        return ended
