"""Identifiers: a short prefix that names the kind, then a UUIDv7 in hex, so ids sort by
creation.
"""

from enum import StrEnum


class Prefix(StrEnum):
    """Kinds of identifiers; the simulation book puts `sim_` in front of these."""

    ACCOUNT = "acc"
    POSITION = "pos"
    ORDER = "ord"
    CLIENT_ORDER = "blo"
    FILL = "fil"
    TRANSFER = "trf"
    FLOW = "flow"
    EVENT = "evt"
    EVALUATION = "eval"
    DIVIDEND = "div"
    ENTITLEMENT = "ent"
    SPLIT = "spl"
    JOB = "job"
    REQUEST = "req"
    RUN = "run"
    GROUP = "grp"
    TRADE = "trd"
    CONFIRMATION = "cfm"
    USER = "usr"
    SESSION = "ses"
    TOKEN = "tok"


SIMULATION_PREFIX = "sim_"
