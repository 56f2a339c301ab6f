"""Positions, orders, fills, accounts over HTTP."""
