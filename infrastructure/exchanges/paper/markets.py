"""Opens paper markets from what the store remembers of them."""

from application.ports.paper_market import PaperSnapshot, PaperTerms
from infrastructure.exchanges.paper.engine import PaperEngine


class PaperMarketsFromSnapshots:
    """`PaperMarkets` on the paper engine."""

    def open(self, terms: PaperTerms, snapshot: PaperSnapshot) -> PaperEngine:
        """A market that goes on from the snapshot."""
        return PaperEngine(terms, snapshot)
