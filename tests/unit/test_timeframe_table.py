import pytest

from domain.market.timeframe import DEFAULT_HTF, DEFAULT_LTF, TIMEFRAMES, Role, timeframe
from domain.shared.errors import Invalid


def test_both_spellings_of_a_month_are_one_interval_and_a_minute_is_another():
    assert timeframe("1mo") is timeframe("1M")
    assert timeframe("1m").seconds == 60
    assert timeframe("1M").seconds is None


@pytest.mark.parametrize("text", ["1H", "1D", "2m", "", "1x", "60"])
def test_an_unknown_spelling_is_refused_and_case_is_never_folded(text):
    with pytest.raises(Invalid) as refused:
        timeframe(text)
    assert refused.value.code == "unknown_timeframe"


def test_roles_follow_the_table_and_the_defaults_carry_theirs():
    only_ltf = {name for name, frame in TIMEFRAMES.items() if frame.roles == (Role.LTF,)}
    only_htf = {name for name, frame in TIMEFRAMES.items() if frame.roles == (Role.HTF,)}
    assert only_ltf == {"1m", "3m", "5m"}
    assert only_htf == {"2h", "4h", "6h", "8h", "12h", "3d", "1w", "1M"}
    assert Role.HTF in TIMEFRAMES[DEFAULT_HTF].roles
    assert Role.LTF in TIMEFRAMES[DEFAULT_LTF].roles


def test_lengths_grow_down_the_table_and_storage_names_survive_case_folding():
    minutes = [frame.nominal_minutes for frame in TIMEFRAMES.values()]
    assert minutes == sorted(set(minutes))
    folded = [frame.storage_name.casefold() for frame in TIMEFRAMES.values()]
    assert len(set(folded)) == len(folded)
