"""Rows nobody asked for are read with the owner's configuration; an older store's copy is not."""

from datetime import date
from pathlib import Path

from application.context import RequestContext, Role
from application.identity.user import User
from application.market.record_market_state import RecordMarketState
from application.market.regime_settings import regime_settings
from application.market.session_calendar import SessionCalendar
from application.risk.configuration_sources import AdoptSources, StartSources
from domain.market.market_regime import MarketRegime
from domain.market.regime_settings import RegimeSettings
from domain.market.vix_regime import RegimeProfile
from infrastructure.market_data.bundled import load_bundled
from infrastructure.market_data.bundled_state import feed_bundled_vix
from infrastructure.market_data.calendar_tables import ArrayCalendars
from infrastructure.persistence.market_state_codec import settings_document, settings_of
from tests.support.market import NOW, calendar_folder, open_room

OWNER = RequestContext("usr_first", "file", "req_start")
SESSIONS = SessionCalendar(ArrayCalendars(calendar_folder()))
FOUNDER = User(
    id="usr_first", owner_id="usr_first", username="owner", display_name="Owner",
    role=Role.ADMIN, password_hash="-", token_version=1, is_active=True,
    created_at=NOW, updated_at=NOW,
)  # fmt: skip


def test_bundled_closes_are_labelled_by_the_owners_profile(tmp_path: Path) -> None:
    room = open_room(tmp_path)
    adopt = AdoptSources(RecordMarketState(SESSIONS))
    sources = StartSources({"exits.profile": "legacy"}, {})
    room.store.command(lambda work: work.users.add(FOUNDER), OWNER).result()
    room.store.command(lambda work: adopt(sources, work), OWNER).result()
    load_bundled(room.candles, room.calendars, NOW)
    feed_bundled_vix(room.store, room.candles, SESSIONS)
    day = date(2018, 12, 31)
    row = room.store.query(lambda work: work.market_state.find(day), OWNER)
    settings = room.store.query(regime_settings, OWNER)
    room.close()
    assert settings.profile is RegimeProfile.LEGACY
    # 25.42 is above 20 and below 30: high by the standard bounds, calm by the older ones.
    assert row is not None and row.label is not None
    assert row.label.band is MarketRegime.BULL_NORMAL


def test_profile_and_force_of_an_older_document_are_passed_over() -> None:
    document = settings_document(RegimeSettings(confirm_sessions=3))
    older = document | {"profile": "legacy", "force_regime": "crisis_opportunity"}
    assert settings_of(older, 7, NOW) == RegimeSettings(
        confirm_sessions=3, version=7, updated_at=NOW
    )
    assert document.keys() & {"profile", "force_regime"} == set()
