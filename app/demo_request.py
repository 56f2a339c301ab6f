"""A step of the tour and the curl line it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass

LINE_MAX = 100


@dataclass(frozen=True, slots=True)
class Keep:
    """A member of the answer that later steps use as `$name`."""

    name: str
    member: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the checkout and what is declared about it."""

    file: str
    spec: str


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request and the status it must be answered with.

    `shows` are the members the pages show, dotted into nested ones, `a=b` for a list as a table
    from a to b; empty shows all. `body` is the JSON text as typed, with `$EX_DATE` to be filled in.
    """

    title: str
    path: str
    expect: int = 200
    method: str = "GET"
    body: str | None = None
    key: str | None = None
    upload: Upload | None = None
    keeps: Keep | None = None
    shows: tuple[str, ...] = ()
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Console:
    """One command of the command line; it must exit with 0."""

    title: str
    command: str


Step = Request | Console


def command_of(step: Step) -> str:
    """The step as the pages show it, for a shell with URL, AUTH, JSON, EX_DATE and field set."""
    if isinstance(step, Console):
        return f".venv/bin/python -m app.cli {step.command}"
    words = [f"curl {_flags(step)} $URL{step.path}"]
    if not step.is_public:
        words.append('-H "$AUTH"')
    if step.body is not None:
        words.append('-H "$JSON"')
    if step.key is not None:
        words.append(f"-H 'Idempotency-Key: {step.key}'")
    if step.body is not None:
        words.append("-d '" + step.body.replace("$EX_DATE", "'$EX_DATE'") + "'")
    if step.upload is not None:
        words += [f"-F file=@{step.upload.file}", f"-F 'spec={step.upload.spec}'"]
    if step.keeps is not None:
        words[0] = f"{step.keeps.name}=$({words[0]}"
        words.append(f"| tee /dev/stderr | field {step.keeps.member})")
    return _folded(words)


def _flags(step: Request) -> str:
    if step.path.endswith("/stream"):
        return "-sN"
    is_bare = step.body is None and step.upload is None
    implied = "GET" if is_bare else "POST"
    return "-s" if step.method == implied else f"-s -X {step.method}"


def _folded(words: Sequence[str]) -> str:
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 3 <= LINE_MAX:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}")
    return " \\\n".join(lines)
