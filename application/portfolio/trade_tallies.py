"""Counts of closed trades per account, kept up to date by the trades closed since the last look."""

from threading import Lock

from application.ports.unit_of_work import UnitOfWork
from domain.portfolio.trade_statistics import TradeStatistics, TradeTally


class TradeTallies:
    """A closed trade never changes and the log's numbers follow the order of commits, so whatever
    was counted stays counted. Thread-safe; asked by queries only, which see nothing undone later.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counted: dict[str, tuple[int, TradeTally]] = {}

    def of(self, account_id: str, work: UnitOfWork) -> TradeStatistics:
        """Statistics of all trades of the account."""
        with self._lock:
            # Taken out while it changes: a failure half-way must not leave a half-counted one.
            seq, tally = self._counted.pop(account_id, (0, TradeTally()))
            for number, result in work.trades.results(account_id, after_seq=seq):
                tally.add(result)
                seq = number
            self._counted[account_id] = seq, tally
            return tally.statistics()
