from datetime import date
from decimal import Decimal

import pytest

from domain.market.breadth import (
    DEFAULT_WEIGHTS,
    BreadthRules,
    BreadthSignal,
    EntryFilter,
    breadth_score,
    checked_weights,
    entry_filter,
    momentum_ratio,
    summed_ratio,
)
from domain.market.breadth_csv import BreadthSpec, parse_breadth
from domain.shared.errors import Invalid

TODAY = date(2024, 6, 3)


def parsed(text: str, **spec: object):
    return parse_breadth(text.splitlines(keepends=True), BreadthSpec.from_document(spec), TODAY)


def test_two_line_headings_thousands_and_missing_marks_are_read():
    result = parsed(
        "\ufeffPrimary indicators,,,,\n"
        "Date,Up4,DOWN4,sp_close,t2108\n"
        '03/08/2024,"1,320",210,"5,123.69",md\n'
        "\n"
        "03/11/2024,150,,5117.94,55.5\n",
        date_format="MM/DD/YYYY",
    )
    assert result.errors == () and result.rows_read == 2
    first, second = result.rows
    assert first.day == date(2024, 3, 8)
    assert first.values == {
        "up4": Decimal(1320), "down4": Decimal(210), "sp_close": Decimal("5123.69")
    }  # fmt: skip
    assert second.values == {
        "up4": Decimal(150), "sp_close": Decimal("5117.94"), "t2108": Decimal("55.5")
    }  # fmt: skip


def test_bad_rows_are_named_by_line_and_good_rows_stay():
    result = parsed(
        "date,up4,t2108\n"
        "2024-03-11,320,45\n"
        "2024-03-12,ten,45\n"
        "2024-03-13,320,101\n"
        "13.03.2024,320,45\n"
        "2006-12-29,320,45\n"
        "2024-06-04,320,45\n"
        "2024-03-11,321,46\n"
        "2024-03-14,,\n"
        "2024-03-15,320\n"
        "2024-03-18,10001,nan\n"
        "2024-03-19,320.5,45\n"
    )
    assert [row.day for row in result.rows] == [date(2024, 3, 11)]
    assert [(e.row, e.column, e.code) for e in result.errors] == [
        (3, "up4", "not_a_number"),
        (4, "t2108", "out_of_range"),
        (5, "date", "bad_date"),
        (6, "date", "out_of_range"),
        (7, "date", "out_of_range"),
        (8, "date", "duplicate_date"),
        (9, "", "empty_row"),
        (10, "", "wrong_width"),
        (11, "up4", "out_of_range"),
        (11, "t2108", "not_a_number"),
        (12, "up4", "out_of_range"),
    ]


def test_headings_can_be_renamed_and_must_name_the_day():
    named = parsed("Day;Stocks up 4%\n2024-03-11;320\n", delimiter=";",
                   columns={"Day": "date", "stocks up 4%": "up4"})  # fmt: skip
    assert named.rows[0].values == {"up4": Decimal(320)}
    for text in (
        "up4,down4\n1,2\n",
        "",
        "date,when\n2024-03-11,1\n",
        "date,up4,up4\n2024-03-11,1,2",
    ):
        with pytest.raises(Invalid) as refused:
            parsed(text)
        assert refused.value.code == "import_invalid"


@pytest.mark.parametrize(
    "spec", [{"date_format": "guess"}, {"delimiter": "|"}, {"columns": {"a": "b"}}, {"x": 1}]
)
def test_a_wrong_spec_is_refused(spec):
    with pytest.raises(Invalid) as refused:
        BreadthSpec.from_document(spec)
    assert refused.value.code == "import_invalid"


def test_momentum_is_capped_and_null_when_nothing_moved():
    assert momentum_ratio(Decimal(300), Decimal(200)) == Decimal("1.5")
    assert momentum_ratio(Decimal(300), Decimal(0)) == 50
    assert momentum_ratio(Decimal(3000), Decimal(1)) == 50
    assert momentum_ratio(Decimal(0), Decimal(0)) is None
    assert summed_ratio([(Decimal(100), Decimal(50)), (Decimal(50), Decimal(50))]) == Decimal("1.5")


def test_a_score_of_too_little_weight_is_null_with_its_reason():
    thin = breadth_score({"t2108": Decimal(90)}, BreadthRules())
    assert (thin.score, thin.signal, thin.reason) == (None, None, "insufficient_data")
    full = breadth_score({"t2108": Decimal(90), "up4": Decimal(1000)}, BreadthRules())
    assert full.signal is BreadthSignal.BULLISH
    weak = breadth_score({"t2108": Decimal(5), "up4": Decimal(50)}, BreadthRules())
    assert weak.signal is BreadthSignal.BEARISH


def test_weights_sum_to_one_within_a_hundredth():
    almost = dict(DEFAULT_WEIGHTS) | {"t2108": Decimal("0.21")}
    assert checked_weights(almost)["t2108"] == Decimal("0.21")
    for wrong in (
        dict(DEFAULT_WEIGHTS) | {"t2108": Decimal("0.22")},
        {"t2108": Decimal(1)},
        dict(DEFAULT_WEIGHTS) | {"more": Decimal(0)},
        dict(DEFAULT_WEIGHTS) | {"t2108": Decimal("-0.1"), "up4": Decimal("0.45")},
    ):
        with pytest.raises(Invalid) as refused:
            checked_weights(wrong)
        assert refused.value.code == "weights_sum"


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"up4": "149"}, EntryFilter.AVOID_ENTRY),
        ({"up4": "150"}, EntryFilter.NEUTRAL),
        ({"t2108": "80.1"}, EntryFilter.AVOID_ENTRY),
        ({"up4": "299", "down4": "300"}, EntryFilter.AVOID_ENTRY),
        ({"up4": "300", "down4": "301"}, EntryFilter.NEUTRAL),
        ({"up4": "1001", "t2108": "19.9"}, EntryFilter.BIG_OPPORTUNITY),
        ({"up4": "1000", "t2108": "19.9"}, EntryFilter.NEUTRAL),
        ({"down4": "900"}, None),
    ],
)
def test_the_entry_filter_advises(values, advice):
    assert entry_filter({name: Decimal(text) for name, text in values.items()}) is advice
