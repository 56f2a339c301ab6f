"""Delivery: HTTP, command line, the container. Knows everything; nothing knows it."""

__version__ = "0.1.0"
