"""Backtests: what happens to orders on historical prices, and what it is worth."""
