"""Use cases of market data: the newest close, what is stored, what an import leaves behind."""
