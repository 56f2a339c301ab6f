"""Reads the configuration file and the environment's pins at start, and adopts what changed."""

import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from app.settings import Settings
from application.context import SYSTEM, RequestContext
from application.market.record_market_state import RecordMarketState
from application.market.session_calendar import SessionCalendar
from application.ports.unit_of_work import Store
from application.risk.configuration_sources import (
    AdoptSources,
    StartSources,
    environment_layer,
    file_layer,
)
from application.risk.effective_configuration import EffectiveConfiguration
from domain.shared.errors import Invalid
from infrastructure.market_data.calendar_tables import ArrayCalendars

CONFIGURATION_FILE = "config.json"
START_REQUEST = "req_start"
log = structlog.get_logger("ballast.configuration")


def start_sources(settings: Settings, environ: Mapping[str, str] | None = None) -> StartSources:
    """What file and environment say. Invalid `malformed_configuration` or
    `invalid_configuration`, in one line; a missing file is no fault.
    """
    environment = environment_layer(os.environ if environ is None else environ)
    sources = StartSources(_file_layer(settings), environment)
    sources.require_valid()
    return sources


def _file_layer(settings: Settings) -> dict[str, object]:
    file = settings.config_file or settings.data_dir / CONFIGURATION_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if settings.config_file is not None:
            log.warning("configuration_file_missing", file=str(file))
        return {}
    except UnicodeDecodeError:
        raise Invalid("malformed_configuration", f"{file} is not valid UTF-8.") from None
    return file_layer(text, str(file))


def adopt_configuration(sources: StartSources, store: Store, data_dir: Path) -> None:
    """Make what file and environment say the owner's configuration, before anything answers.

    Does nothing before the first start has made an owner.
    """
    founder = store.query(lambda work: work.users.founder(), SYSTEM)
    if founder is None:
        return
    adopt = AdoptSources(RecordMarketState(SessionCalendar(ArrayCalendars(data_dir))))
    asking = RequestContext(founder.owner_id, SYSTEM.actor, START_REQUEST)
    source = store.query(lambda work: adopt.source(sources, work), asking)
    if source is None:
        return
    context = RequestContext(founder.owner_id, source.value, START_REQUEST)
    adopted = store.command(lambda work: adopt(sources, work), context).result()
    _tell(adopted)


def _tell(adopted: EffectiveConfiguration) -> None:
    log.info("configuration_adopted", version=adopted.version, hash=adopted.hash)
    for warning in adopted.configuration.warnings():
        log.warning("configuration_warning", pointer=warning.pointer, message=warning.message)
