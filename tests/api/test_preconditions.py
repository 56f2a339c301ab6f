"""Guarded changes: no change without the version that was read, none on top of a newer one."""

from pathlib import Path

import pytest

from tests.support.portfolio import HttpBook, exact, refusal, row_counts


@pytest.fixture(params=["positions", "accounts"])
def guarded(request: pytest.FixtureRequest, book: HttpBook) -> tuple[str, dict[str, object]]:
    if request.param == "positions":
        return f"/positions/{book.cell()}", {"plan": {"up_threshold": "0.05"}}
    account = book.post("/accounts", {"name": f"guarded {book.key()}"})
    return f"/accounts/{account.json()['id']}", {"commission_rate": "0.001"}


def test_a_change_without_if_match_is_428(
    book: HttpBook, data_dir: Path, guarded: tuple[str, dict[str, object]]
) -> None:
    path, change = guarded
    before = row_counts(data_dir)
    for headers in ({}, {"If-Match": "*"}):
        answer = book.client.patch(book.prefix + path, json=change, headers=headers)
        assert refusal(answer) == (428, "precondition_required")
    assert row_counts(data_dir) == before


def test_a_change_with_the_version_read_passes_once(
    book: HttpBook, guarded: tuple[str, dict[str, object]]
) -> None:
    path, change = guarded
    tag = book.get(path).headers["ETag"]
    first = book.client.patch(book.prefix + path, json=change, headers={"If-Match": tag})
    assert first.status_code == 200, first.text
    assert first.headers["ETag"] == f'"{first.json()["version"]}"' != tag
    again = book.client.patch(book.prefix + path, json=change, headers={"If-Match": tag})
    assert refusal(again) == (412, "stale_version")
    weak = {"If-Match": f"W/{first.headers['ETag']}"}
    assert book.client.patch(book.prefix + path, json=change, headers=weak).status_code == 200


@pytest.mark.parametrize("tag", ["x", '"x"', '"1", "2"', '"-1"', '"1.0"', '"' + "9" * 19 + '"'])
def test_a_malformed_if_match_is_400(
    book: HttpBook, guarded: tuple[str, dict[str, object]], tag: str
) -> None:
    path, change = guarded
    answer = book.client.patch(book.prefix + path, json=change, headers={"If-Match": tag})
    assert refusal(answer) == (400, "invalid_if_match")


def test_plan_settings_merge_and_null_removes_the_plan(book: HttpBook) -> None:
    path = f"/positions/{book.cell(anchor_price=100)}"

    def patched(plan: object) -> dict[str, object]:
        tag = book.get(path).headers["ETag"]
        answer = book.client.patch(
            book.prefix + path, json={"plan": plan}, headers={"If-Match": tag}
        )
        assert answer.status_code == 200, answer.text
        return dict(exact(answer))

    default = exact(book.get(path))["plan"]
    changed = patched({"band": {"max": "0.8"}, "up_threshold": "0.05"})["plan"]
    assert changed == {
        **default,
        "up_threshold": exact_number("0.05"),
        "band": {"min": default["band"]["min"], "max": exact_number("0.8")},
    }
    assert patched(None)["plan"] is None
    assert book.event_types(path.rsplit("/", 1)[1]).count("config_changed") == 2


def exact_number(text: str) -> object:
    from decimal import Decimal

    return Decimal(text)


@pytest.mark.parametrize(
    "plan",
    [{"up_threshold": 3}, {"nonsense": 1}, {"band": {"min": 2}}, {"band": 5}, [], "x",
     {"kind": "other"}, {"order_policy": {"min_qty": "NaN"}}, {"mode": "yolo"}],
)  # fmt: skip
def test_a_malformed_change_is_refused_and_nothing_is_written(
    book: HttpBook, data_dir: Path, plan: object
) -> None:
    path = f"/positions/{book.cell()}"
    before = row_counts(data_dir)
    answer = book.client.patch(book.prefix + path, json={"plan": plan}, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert row_counts(data_dir) == before


def test_a_delete_needs_the_version_that_was_read(book: HttpBook) -> None:
    path = f"{book.prefix}/positions/{book.cell()}"
    assert refusal(book.client.delete(path)) == (428, "precondition_required")
    stale = book.client.delete(path, headers={"If-Match": '"7"'})
    assert refusal(stale) == (412, "stale_version")
    assert book.client.delete(path, headers={"If-Match": '"1"'}).status_code == 204
