"""What is printed at start can be pasted, and what would fail later is refused in one line."""

import shlex
from pathlib import Path

import pytest

from app.cli import main
from app.greeting import greeting
from app.settings import Settings


def _said(folder: Path, port: int = 8000, **changed: object) -> dict[str, str]:
    settings = Settings(data_dir=folder).model_copy(update=changed)
    lines = greeting(settings, port).splitlines()
    return {"Listens": lines[0]} | dict(line.strip().split(":", 1) for line in lines[1:])


@pytest.mark.parametrize(
    ("host", "listens", "reached"),
    [("127.0.0.1", "127.0.0.1", "127.0.0.1"), ("::1", "[::1]", "[::1]"),
     ("[::1]", "[::1]", "[::1]"), ("0.0.0.0", "0.0.0.0", "127.0.0.1"),
     ("::", "[::]", "[::1]"), ("localhost", "localhost", "localhost")],
)  # fmt: skip
def test_an_address_is_written_as_a_url_has_it(
    tmp_path: Path, host: str, listens: str, reached: str
) -> None:
    said = _said(tmp_path, 4711, host=host)
    assert said["Listens"] == f"Ballast listens on http://{listens}:4711"
    assert said["Docs"].strip() == f"http://{reached}:4711/docs"
    assert shlex.split(said["Try"])[-1] == f"http://{reached}:4711/api/v1/accounts"


def test_a_folder_with_a_space_stays_one_word(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    assert f"$(cat '{folder.resolve()}/owner.token')" in _said(folder)["Try"]


def test_without_authentication_no_token_is_mentioned(tmp_path: Path) -> None:
    said = _said(tmp_path, auth="off")
    assert "Token" not in said and "Authorization" not in said["Try"]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("app.cli.gc.disable", lambda: None)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OWNER_PASSWORD_FILE": "none"}, "none: No such file or directory"),
        ({"OWNER_PASSWORD_FILE": "weak"}, "weak: The password is not accepted: at least"),
        ({"TLS_CERT_FILE": "none"}, "none: No such file or directory"),
        ({"TLS_CERT_FILE": "weak", "TLS_KEY_FILE": "none"}, "none: No such file or directory"),
        ({"TLS_CERT_FILE": "weak", "TLS_KEY_FILE": "weak"}, "(tls_unusable)"),
        ({"TLS_KEY_FILE": "weak"}, "(tls_unusable)"),
    ],
)
def test_a_file_that_cannot_serve_is_refused_in_one_line_before_anything_is_written(
    data_dir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    said: str,
) -> None:
    (data_dir.parent / "weak").write_text("short")
    for name, file in variables.items():
        monkeypatch.setenv(f"BALLAST_{name}", str(data_dir.parent / file))
    assert main(["serve"]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not data_dir.exists()
