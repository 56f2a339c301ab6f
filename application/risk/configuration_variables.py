"""Names of the environment variables that pin keys of the desktop configuration."""

VARIABLE_PREFIX = "BALLAST_CONFIG__"


def variable_of(path: str) -> str:
    """`risk_limits.max_stop_distance` → `BALLAST_CONFIG__RISK_LIMITS__MAX_STOP_DISTANCE`."""
    return VARIABLE_PREFIX + path.replace(".", "__").upper()
