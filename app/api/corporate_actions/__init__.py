"""Dividends and splits over HTTP."""
