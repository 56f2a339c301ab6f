"""The tour of the README against a service of its own: `python -m app.demo [--update FILE...]`.

One list of steps is the source of both: each step is rendered as the shell command the README shows
and is sent over HTTP, so what the pages promise is what was answered. `--update` writes the
answers of this run into the pages.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template

import httpx

from app.api.wire import encode, parse_json
from app.config_file import NOT_SETTINGS
from app.demo_request import Console, Request, Step, command_of
from app.demo_steps import STEPS
from infrastructure.security.service_secret import OWNER_TOKEN_FILE

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 15.0
ANSWER_WITHIN_S = 30.0
EX_DATE_AHEAD = timedelta(days=30)
SHORT_MAX = 76
# A command block of a page and the answer block after it.
_PAIR = re.compile(
    r"```sh\n(?P<command>(?:(?!```).)*)\n```\n\n```text\n(?P<answer>(?:(?!```).)*)\n```", re.DOTALL
)


class DemoFailed(Exception):
    """A step answered otherwise than the tour says, or the service did not start."""


@dataclass(frozen=True, slots=True)
class Place:
    """A running service: where it listens and where its data lies."""

    url: str
    data_dir: Path

    @property
    def token(self) -> str:
        """The owner's token, as the first start left it."""
        return (self.data_dir / OWNER_TOKEN_FILE).read_text().strip()


@dataclass(frozen=True, slots=True)
class Done:
    """One step: the command as a person types it, and the answer as the pages show it."""

    command: str
    answer: str


@contextmanager
def running_service(folder: Path) -> Iterator[Place]:
    """`serve` on a free loopback port with a data folder of its own; stopped by its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    place = Place(f"http://127.0.0.1:{port}", folder / "data")
    extra = {"BALLAST_PORT": str(port), "BALLAST_LOG_LEVEL": "warning"}
    log = folder / "service.log"
    with log.open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            env=_environment(folder) | extra,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(place, service, log)
            yield place
        finally:
            _stop(service)


def tour(place: Place) -> Iterator[Done]:
    """Run every step in order; DemoFailed at the first that answers otherwise."""
    values = {"EX_DATE": (datetime.now(UTC) + EX_DATE_AHEAD).date().isoformat()}
    headers = {"Authorization": f"Bearer {place.token}"}
    with httpx.Client(base_url=place.url, headers=headers, timeout=ANSWER_WITHIN_S) as client:
        for step in STEPS:
            yield Done(command_of(step), _run(step, client, values, place))


def _run(step: Step, client: httpx.Client, values: dict[str, str], place: Place) -> str:
    if isinstance(step, Console):
        return _run_console(step, place)
    answer = client.request(
        step.method,
        Template(step.path).substitute(values),
        content=None if step.body is None else Template(step.body).substitute(values),
        headers=_headers(step),
        files=_files(step),
    )
    shown = f"{answer.status_code}{_replay_mark(answer)}\n{_shown(step, answer)}"
    if answer.status_code != step.expect:
        raise DemoFailed(f"{command_of(step)}\nexpected {step.expect}, answered {answer.text}")
    if step.keeps is not None:
        values[step.keeps.name] = str(_answered(answer)[step.keeps.member])
    return shown


def _headers(step: Request) -> dict[str, str]:
    headers = {} if step.body is None else {"Content-Type": "application/json"}
    return headers if step.key is None else headers | {"Idempotency-Key": step.key}


def _files(step: Request) -> dict[str, tuple[str | None, bytes]] | None:
    if step.upload is None:
        return None
    file = ROOT / step.upload.file
    return {
        "file": (file.name, file.read_bytes()),
        "spec": (None, step.upload.spec.encode()),
    }


def _replay_mark(answer: httpx.Response) -> str:
    replayed = answer.headers.get("Idempotency-Replayed")
    return "" if replayed is None else f", Idempotency-Replayed: {replayed}"


def _answered(answer: httpx.Response) -> Mapping[str, object]:
    """The JSON object; of a stream the data of its last event."""
    body = answer.content
    if answer.headers["content-type"].startswith("text/event-stream"):
        body = [line for line in body.splitlines() if line.startswith(b"data: ")][-1][6:]
    document: Mapping[str, object] = parse_json(body)
    return document


def _shown(step: Request, answer: httpx.Response) -> str:
    document = _answered(answer)
    is_refused = step.expect < 400 <= answer.status_code
    paths = tuple(document) if is_refused or not step.shows else step.shows
    lines = [f'  "{path}": {_text(_picked(document, path.split(".")))}' for path in paths]
    return "{\n" + ",\n".join(lines) + "\n}"


def _picked(value: object, path: Sequence[str]) -> object:
    """The member the path leads to; of a list, that member of every item."""
    if not path:
        return value
    if isinstance(value, list):
        left, _, right = path[0].partition("=")
        if right:
            return {item[left]: item[right] for item in value}
        return [_picked(item, path) for item in value]
    assert isinstance(value, Mapping)
    return _picked(value[path[0]], path[1:])


def _text(value: object) -> str:
    """Exact JSON; lists and objects that are too long for a line have a line for each part."""
    if isinstance(value, list):
        return _joined("[]", [_text(item) for item in value])
    if isinstance(value, Mapping):
        return _joined("{}", [f'"{key}": {_text(item)}' for key, item in value.items()])
    return encode(value).decode()


def _joined(brackets: str, parts: Sequence[str]) -> str:
    line = f"{brackets[0]}{', '.join(parts)}{brackets[1]}"
    if len(line) <= SHORT_MAX:
        return line
    return f"{brackets[0]}\n    " + ",\n    ".join(parts) + f"\n  {brackets[1]}"


def _run_console(step: Console, place: Place) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *step.command.split()],
        env=_environment(place.data_dir.parent),
        cwd=place.data_dir.parent,
        capture_output=True,
        text=True,
        timeout=ANSWER_WITHIN_S,
        check=False,
    )
    said = (done.stdout + done.stderr).replace(str(place.data_dir), "data").strip()
    if done.returncode != 0:
        raise DemoFailed(f"{command_of(step)}\nexpected exit code 0, got {done.returncode}: {said}")
    return said


def _environment(folder: Path) -> dict[str, str]:
    """No setting of the caller reaches the demo: it must never write to the caller's database."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith("BALLAST_")}
    kept |= {k: v for k, v in os.environ.items() if k.upper().startswith(NOT_SETTINGS)}
    return kept | {"PYTHONPATH": str(ROOT), "BALLAST_DATA_DIR": str(folder / "data")}


def _wait_until_ready(place: Place, service: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and service.poll() is None:
        try:
            if httpx.get(f"{place.url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise DemoFailed("The service did not become ready:\n" + log.read_text(errors="replace"))


def _stop(service: "subprocess.Popen[bytes]") -> None:
    service.send_signal(signal.SIGTERM)
    try:
        service.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def updated(page: str, done: Sequence[Done]) -> str:
    """The page with the answers of this run after each of the tour's commands."""
    answers = {item.command: item.answer for item in done}

    def replace(pair: re.Match[str]) -> str:
        command = pair["command"]
        answer = answers.get(command, pair["answer"])
        return f"```sh\n{command}\n```\n\n```text\n{answer}\n```"

    return _PAIR.sub(replace, page)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each request and its answer; 1 when a step did not answer as expected."""
    parser = argparse.ArgumentParser(description="Run the tour against a service of its own.")
    parser.add_argument("--update", nargs="+", type=Path, default=(), metavar="FILE")
    pages: Sequence[Path] = parser.parse_args(arguments).update
    done: list[Done] = []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="ballast-demo-") as folder,
            running_service(Path(folder)) as place,
        ):
            for step, item in zip(STEPS, tour(place), strict=True):
                print(f"\n# {step.title}\n$ {item.command}\n{item.answer}", flush=True)
                done.append(item)
    except (DemoFailed, httpx.HTTPError, OSError) as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    for page in pages:
        page.write_text(updated(page.read_text(encoding="utf-8"), done), encoding="utf-8")
    print(f"\n{len(done)} steps, each answered as expected. The service is stopped, its data gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
