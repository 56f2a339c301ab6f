"""Rules of the repository that no type checker sees: licences, places, notes, broad excepts."""

import re
import subprocess
import tomllib
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("app", "application", "domain", "infrastructure")
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".ini", ".cfg", ".sh", ".mako", ""}
THIS = Path(__file__).name

PERMISSIVE = re.compile(
    r"\b(MIT|MIT-0|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|NCSA|Unlicense|CC0"
    r"|MPL-2\.0|Mozilla Public License)", re.IGNORECASE
)  # fmt: skip
COPYLEFT = re.compile(
    r"\bA?GPL|GNU (Affero )?General Public|\bLGPL|GNU Lesser|SSPL|EUPL", re.IGNORECASE
)
ALLOWED = {
    "psycopg": "LGPL-3.0: used unmodified as a library of its own, replaceable by its user.",
    "psycopg-binary": "The compiled half of psycopg, same terms.",
}

# Written in parts, so that this file does not name what no file may name.
REGISTRIES = re.compile(
    "|".join(("py" + r"pi\.org", "python" + "hosted", r"registry\.np" + "mjs", "arti" + "factory")), re.IGNORECASE
)  # fmt: skip
NOT_OURS = re.compile(
    "|".join((r"\bshared/(?:spec|reference|data)\b", r"\bspec/0\d", "/ro" + "ot/"))
)
UNFINISHED = re.compile(r"\b(?:TO" + "DO|FIX" + r"ME|XX" + r"X)\b|\bNotImplemented" + r"Error\b")
BROAD = re.compile(r"except (?:Exception|BaseException)\b.*|except:.*")
PLACES = re.compile("# noqa: BLE001 - (?:request boundary|process loop|job child)")


@cache
def _tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("Not a git checkout: there is no list of tracked files.")
    names = [Path(name) for name in listed.stdout.split("\0") if name]
    return tuple(n for n in names if n.suffix in TEXT and (ROOT / n).is_file())


def _found(pattern: "re.Pattern[str]", *, code_only: bool = False) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:80]}"
        for name in _tracked()
        if name.name != THIS and (not code_only or name.parts[0] in CODE)
        for number, line in enumerate((ROOT / name).read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def _locked() -> list[str]:
    text = (ROOT / "requirements" / "runtime.txt").read_text("utf-8")
    return sorted(set(re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)))


def _licence(installed: Distribution) -> str:
    metadata = installed.metadata
    classifiers = [c for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    texts = (
        metadata.get("License-Expression"),
        (metadata.get("License") or "")[:200],
        *classifiers,
    )
    return " | ".join(text for text in texts if text)


def test_every_runtime_dependency_has_a_licence_that_may_be_shipped() -> None:
    seen = 0
    for name in _locked():
        try:
            licence = _licence(distribution(name))
        except PackageNotFoundError:
            continue  # locked for another platform or Python
        seen += 1
        if name not in ALLOWED:
            assert PERMISSIVE.search(licence), f"{name}: {licence or 'no licence in its metadata'}"
            assert not COPYLEFT.search(licence), f"{name}: {licence}"
    assert seen > 30


def test_exceptions_to_the_licence_rule_are_still_needed() -> None:
    assert set(ALLOWED) <= set(_locked())


def test_everything_the_code_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {re.split(r"[\[<>=;\s]", line)[0].lower() for line in project["dependencies"]}
    assert asked - {name.lower() for name in _locked()} == set()


def test_no_file_names_a_package_registry() -> None:
    assert _found(REGISTRIES) == []


def test_no_file_names_a_place_outside_the_repository() -> None:
    assert _found(NOT_OURS) == []
    assert _found(re.compile(re.escape(f"{ROOT}/"))) == []


def test_nothing_is_left_for_later() -> None:
    assert _found(UNFINISHED, code_only=True) == []


def test_everything_is_caught_in_three_kinds_of_places_only() -> None:
    """A handler that only undoes and raises again has no mark: the linter lets it pass."""
    marked = re.compile(PLACES.pattern + "|except (?:Exception|BaseException):$")
    found = (line.split(":", 2)[:2] for line in _found(BROAD, code_only=True))
    lines = ((ROOT / name).read_text("utf-8").splitlines()[int(n) - 1] for name, n in found)
    assert [line.strip() for line in lines if not marked.search(line)] == []


def test_layers_are_contracts_that_make_check_enforces() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    assert set(config["root_packages"]) == set(CODE)
    layers = [c["layers"] for c in config["contracts"] if c["type"] == "layers"]
    assert ["app", "infrastructure", "application", "domain"] in layers
    recipe = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^check:.*\bimports\b", recipe, re.MULTILINE)
    assert "lint-imports" in recipe
