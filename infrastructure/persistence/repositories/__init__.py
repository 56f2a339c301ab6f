"""Repositories on SQL; one module per aggregate."""
