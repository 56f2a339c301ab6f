"""Adapters of trading venues, one package each."""
