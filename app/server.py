"""Runs the service under uvicorn: greets once it answers, ends streams when told to stop."""

import gc
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from app.greeting import greeting
from app.guards import UnsafeBind, require_safe_bind
from app.lifecycle import bind_facts, owner_password
from app.main import create_app
from app.one_write import OneWriteProtocol
from app.settings import Settings
from app.simulation_providers import run_settings
from application.context import SYSTEM, RequestContext
from application.processes.plan_runner_switch import forget_last_start
from application.simulation.runs import ResumeSimulation, StartSimulation
from domain.shared.errors import Invalid
from infrastructure.clock import SystemClock
from infrastructure.market_data.array_mirror import MirrorReader
from infrastructure.persistence.engine import open_database
from infrastructure.persistence.store import SqlStore

GRACE_S = 8
LOOK_EVERY_S = 0.02


def run_server(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT; `require_sound` comes before."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": OneWriteProtocol,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": settings.behind_tls_proxy,
        "timeout_graceful_shutdown": GRACE_S,
        "ssl_certfile": settings.tls_cert_file,
        "ssl_keyfile": settings.tls_key_file,
    }
    if settings.workers > 1:
        _forget_last_start(settings)
        _run_workers(
            uvicorn.Config(
                "app.server:worker_app", factory=True, workers=settings.workers, **options
            ),
            settings,
        )
    else:
        app = served_app()
        ServiceServer(uvicorn.Config(app, **options), app, settings).run()


def _run_workers(config: uvicorn.Config, settings: Settings) -> None:
    """As `uvicorn.run` does it, but greeting once a worker listens on the socket they share."""
    shared = config.bind_socket()
    parent = Multiprocess(config, sockets=[shared])

    def greet() -> None:
        while not shared.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            if parent.should_exit.wait(LOOK_EVERY_S):
                return
        _introduce(settings, shared)

    threading.Thread(target=greet, name="ballast-greeting", daemon=True).start()
    parent.run()


def _forget_last_start(settings: Settings) -> None:
    """Plan runner and simulation are off after every start of the service, not of one of its
    processes.
    """
    store = SqlStore(open_database(settings.database_address), SystemClock())
    try:
        founder = store.query(lambda work: work.users.founder(), SYSTEM)
        if founder is not None:
            context = RequestContext(founder.owner_id, "system", "req_start")
            store.command(forget_last_start, context).result()
            start = StartSimulation(MirrorReader(settings.data_dir, store), run_settings(settings))
            resume = ResumeSimulation(start, autostart=settings.simulation_autostart)
            store.command(resume.if_opened, context).result()
    finally:
        store.close()


def served_app() -> FastAPI:
    """The application of a process of its own; what is there by now is no garbage, ever."""
    app = create_app()
    gc.freeze()
    # A request leaves some hundred objects and hardly a cycle: looking after every 700 finds none.
    gc.set_threshold(20_000, 10, 20)
    gc.enable()
    return app


def worker_app() -> FastAPI:
    """As `served_app`, in one of several processes: uvicorn makes their servers itself."""
    app = served_app()
    for number in (signal.SIGINT, signal.SIGTERM):
        _end_streams_before(number, app)
    return app


class ServiceServer(uvicorn.Server):
    """One process: greets once it listens, and closes endless streams before waiting for them."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, settings: Settings) -> None:
        super().__init__(config)
        self._app = app
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _introduce(self._settings, self.servers[0].sockets[0])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        _end_streams(self._app)
        super().handle_exit(sig, frame)


def _end_streams_before(number: int, app: FastAPI) -> None:
    following = signal.getsignal(number)

    def end_streams(sig: int, frame: FrameType | None) -> None:
        _end_streams(app)
        if callable(following):
            following(sig, frame)

    signal.signal(number, end_streams)


def _end_streams(app: FastAPI) -> None:
    hub = getattr(app.state, "event_hub", None)
    if hub is not None:
        hub.close()


def _introduce(settings: Settings, bound: socket.socket) -> None:
    sys.stdout.write(greeting(settings, bound.getsockname()[1]))
    sys.stdout.flush()


def require_sound(settings: Settings) -> None:
    """Invalid `tls_unusable`, `weak_password`, `unsafe_bind` or `workers_need_postgresql`, OSError
    for a file that cannot be read; nothing but the secret, where there is none, is written before.
    """
    _require_usable_tls(settings.tls_cert_file, settings.tls_key_file)
    owner_password(settings)
    try:
        require_safe_bind(bind_facts(settings))
    except UnsafeBind as refusal:
        raise Invalid("unsafe_bind", str(refusal)) from None
    if settings.workers > 1 and not settings.database_url.startswith("postgresql"):
        raise Invalid(
            "workers_need_postgresql",
            "More than one worker needs PostgreSQL: set BALLAST_DATABASE_URL.",
        )


def _require_usable_tls(cert: Path | None, key: Path | None) -> None:
    for file in (cert, key):
        if file is not None:
            file.open("rb").close()
    if cert is None:
        if key is not None:
            raise Invalid("tls_unusable", "BALLAST_TLS_KEY_FILE needs BALLAST_TLS_CERT_FILE.")
        return
    try:
        # An empty password instead of a prompt that a service could not answer.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError):
        raise Invalid(
            "tls_unusable",
            f"{cert} and {key or 'the key in it'} are not a PEM certificate chain and its "
            "unencrypted private key.",
        ) from None
