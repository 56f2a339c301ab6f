"""Pointers of refused fields name members and indices of the request, never steps of validation."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from app.api.field_faults import field_faults
from app.api.wire import Day, Exact, Moment, RequestModel


class Inner(RequestModel):
    at: Moment | Day
    ratio: Annotated[Exact, Field(ge=Decimal("0.001"))] | None = None


class Sent(RequestModel):
    when: Day | Moment | None = None
    inner: Inner | None = None
    many: list[Inner | int] = Field(default_factory=list)
    named: dict[str, Exact] = Field(default_factory=dict)


def faults(model: type[BaseModel], body: Any) -> dict[str, tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(body)
    found = [{**e, "loc": ("body", *e["loc"])} for e in refused.value.errors()]
    return {f.pointer: (f.code, f.message) for f in field_faults(found, body)}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"when": "soon"}, ["/when"]),
        ({"when": 5}, ["/when"]),
        ({"when": {"a": 1}}, ["/when"]),
        ({"inner": {"at": "x", "ratio": 1}}, ["/inner/at"]),
        ({"inner": {}}, ["/inner/at"]),
        ({"inner": {"at": "2026-01-05", "other": 1}}, ["/inner/other"]),
        ({"inner": "text"}, ["/inner"]),
        ({"many": [1, {"at": []}]}, ["/many/1/at", "/many/1"]),
        ({"named": {"a/b": "x", "~": True, "function-after": None}},
         ["/named/a~1b", "/named/~0", "/named/function-after"]),
        ([], [""]),
    ],
)  # fmt: skip
def test_a_pointer_leads_through_what_was_sent(body: Any, pointers: list[str]) -> None:
    assert list(faults(Sent, body)) == pointers


def test_branches_of_a_union_are_one_fault_in_plain_words() -> None:
    assert faults(Sent, {"when": "soon"}) == {
        "/when": (
            "date",
            "a date such as 2025-03-20, from 1970 to 2199, or an instant such as "
            "2026-01-05T15:00:00Z",
        )
    }


def test_a_bound_is_a_plain_number() -> None:
    found = faults(Sent, {"inner": {"at": "2026-01-05", "ratio": 0}})
    assert found == {
        "/inner/ratio": ("greater_than_equal", "Input should be greater than or equal to 0.001")
    }


def test_parameters_are_named_without_the_branch_that_refused_them() -> None:
    def fault(*location: str | int) -> dict[str, Any]:
        return {"loc": location, "type": "date", "msg": "a date"}

    found = field_faults([fault("query", "from", "function-after[_utc()]")], None)
    assert [f.pointer for f in found] == ["from"]
    assert [f.pointer for f in field_faults([fault("path", "date")], None)] == ["date"]
    assert [f.pointer for f in field_faults([fault("query", "id", 2)], None)] == ["id.2"]


def test_text_that_is_no_json_has_the_pointer_of_the_whole_body() -> None:
    broken = {"loc": ("body", 7), "type": "json_invalid", "msg": "JSON decode error"}
    assert [(f.pointer, f.code) for f in field_faults([broken], None)] == [("", "malformed_json")]
