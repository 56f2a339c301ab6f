"""Wires the event log to those who follow it: the stream of clients and the pump of consumers."""

from dishka import Provider, Scope, provide

from app.api.events.schemas import encoded
from app.stream.event_hub import EventHub
from application.ports.bus import Bus
from application.ports.event_log import EventDeliveries, EventLog
from application.processes.event_pump import EventPump
from infrastructure.persistence.event_delivery import SqlEventDeliveries, SqlEventLog
from infrastructure.persistence.store import SqlStore


class Events(Provider):
    """Log, cursors, hub, pump. Hub and pump are told of every commit once they exist."""

    scope = Scope.APP

    @provide
    def log(self, store: SqlStore) -> EventLog:
        return SqlEventLog(store)

    @provide
    def deliveries(self, store: SqlStore) -> EventDeliveries:
        return SqlEventDeliveries(store)

    @provide
    def hub(self, events: EventLog, bus: Bus, store: SqlStore) -> EventHub:
        hub = EventHub(events, bus, encoded)
        store.on_commit(hub.announce)
        return hub

    @provide
    def pump(self, events: EventLog, deliveries: EventDeliveries, store: SqlStore) -> EventPump:
        pump = EventPump(events, deliveries)
        store.on_commit(pump.wake)
        return pump
