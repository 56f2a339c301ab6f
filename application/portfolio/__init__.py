"""Use cases of the book: accounts, cells, orders, fills, plans, corporate actions."""
