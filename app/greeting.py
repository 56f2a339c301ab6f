"""What the service says once it listens, with one curl line that works when it is pasted."""

import shlex

from app.settings import Settings
from infrastructure.security.service_secret import OWNER_TOKEN_FILE

# Nobody can connect to a wildcard, and its name is none that is served.
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


def greeting(settings: Settings, port: int) -> str:
    """Lines for a person; `port` is the bound one, which port 0 leaves to the system."""
    scheme = "https" if settings.tls_cert_file else "http"
    host = settings.host.strip("[]")
    url = f"{scheme}://{_in_url(_REACHED_AT.get(host, host))}:{port}"
    token_file = (settings.data_dir / OWNER_TOKEN_FILE).resolve()
    lines = [
        f"Ballast listens on {scheme}://{_in_url(host)}:{port}",
        f"  Docs:   {url}/docs",
    ]
    header = ""
    if settings.auth == "on":
        lines.append(f"  Token:  {token_file}")
        # The quotes of a command's substitution are its own, inside those of the header.
        header = f' -H "Authorization: Bearer $(cat {shlex.quote(str(token_file))})"'
    lines.append(f"  Try:    curl -s{header} {shlex.quote(url + '/api/v1/accounts')}")
    return "\n".join(lines) + "\n"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
