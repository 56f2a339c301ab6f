"""Keyset paging: rows strictly after a unique, ordered key; no offsets that drift under inserts."""

from typing import Any

from sqlalchemy import ColumnElement, Select

from application.ports.repositories import Page


def paged(query: Select[Any], key: ColumnElement[Any], page: Page) -> Select[Any]:
    """The page of the query in the order of `key`."""
    if page.after is not None:
        query = query.where(key < page.after if page.descending else key > page.after)
    return query.order_by(key.desc() if page.descending else key.asc()).limit(page.limit)
