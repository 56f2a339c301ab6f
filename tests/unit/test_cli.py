"""Settings keys that are none are refused with a hint, and the commands do what they say."""

import sqlite3
from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from app.cli import main
from app.config_file import effective_settings, require_known_keys
from app.redaction import MASK
from domain.shared.errors import Invalid
from tests.support.server_process import free_port


class Knobs(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BALLAST_", toml_file="ballast.toml")

    port: int = Field(8000)
    data_dir: str = "data"
    secret: SecretStr | None = None
    secret_file: str = ""
    redis_url: str = ""
    names: tuple[str, ...] = ("a", "b")


NOWHERE = Path("/nonexistent/ballast.toml")


def test_known_and_foreign_keys_pass() -> None:
    environ = {
        "BALLAST_PORT": "1", "ballast_data_dir": "x", "PATH": "/bin", "BALLAST_TEST_REDIS_URL": "x",
        "BALLAST_TAG": "1.2", "BALLAST_PUBLISHED_PORT": "80",
    }  # fmt: skip
    require_known_keys(Knobs, environ, NOWHERE)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [("BALLAST_PROT", "BALLAST_PORT"), ("BALLAST_DATADIR", "BALLAST_DATA_DIR"),
     ("ballast_redis", "BALLAST_REDIS_URL")],
)  # fmt: skip
def test_an_unknown_variable_is_refused_with_the_nearest_one(key: str, nearest: str) -> None:
    with pytest.raises(Invalid, match=f"{key} is not a setting; did you mean {nearest}") as refused:
        require_known_keys(Knobs, {key: "1"}, NOWHERE)
    assert refused.value.code == "unknown_setting"


def test_an_unknown_key_of_the_file_is_refused_and_all_are_named(tmp_path: Path) -> None:
    file = tmp_path / "ballast.toml"
    file.write_text('prt = 1\n[datadir]\nx = "y"\n')
    with pytest.raises(Invalid) as refused:
        require_known_keys(Knobs, {"BALLAST_X": "1"}, file)
    assert [fault.pointer for fault in refused.value.errors] == ["BALLAST_X", "prt", "datadir"]
    assert "did you mean port?" in refused.value.message


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ballast.toml"
    file.write_text("port 1")
    with pytest.raises(Invalid) as refused:
        require_known_keys(Knobs, {}, file)
    assert refused.value.code == "malformed_settings"


def test_effective_settings_name_their_source_and_mask_secrets(tmp_path: Path) -> None:
    file = tmp_path / "ballast.toml"
    file.write_text('data_dir = "here"\nport = 1\n')
    settings = Knobs(
        port=2, data_dir="here", secret=SecretStr("hunter22hunter22"),
        redis_url="redis://:hunter22@cache/0", secret_file="/run/secret",
    )  # fmt: skip
    environ = {"BALLAST_PORT": "2", "BALLAST_SECRET": "hunter22hunter22"}
    rows = {row.name: row for row in effective_settings(settings, environ, file)}
    assert (rows["port"].value, rows["port"].source) == ("2", "environment BALLAST_PORT")
    assert (rows["data_dir"].value, rows["data_dir"].source) == ("here", f"file {file}")
    assert rows["names"].source == "default" and rows["names"].value == "a,b"
    assert rows["secret"].value == MASK and rows["secret_file"].value == "/run/secret"
    assert "hunter22" not in "".join(row.value for row in rows.values())


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for key in ("BALLAST_DATABASE_URL", "BALLAST_SECRET"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_migrate_backup_and_restore_make_one_round_trip(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"]) == 0
    copy = tmp_path / "copy.db"
    assert main(["backup", str(copy)]) == 0
    assert capsys.readouterr().out == f"{copy}\n"
    assert main(["restore", str(copy)]) == 1
    assert "--replace" in capsys.readouterr().err
    assert main(["restore", str(copy), "--replace"]) == 0
    (data_dir / "ballast.db").unlink()
    assert main(["restore", str(copy)]) == 0
    assert main(["doctor"]) == 0


def test_a_backup_without_a_path_goes_into_the_data_folder(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["migrate"])
    assert main(["backup"]) == 0
    written = Path(capsys.readouterr().out.strip())
    assert written.parent == data_dir / "backups" and written.exists()


def test_the_doctor_exits_with_one_when_the_books_are_wrong(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["migrate"])
    with sqlite3.connect(data_dir / "ballast.db") as connection:
        connection.execute(
            "INSERT INTO balances VALUES ('acc_1', 'USD', 'available', 'acc_1', '5')"
        )
    connection.close()
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "ledger_sum: USD: expected 0, found 5" in printed and "Not sound." in printed


def test_the_doctor_refuses_an_empty_place(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 1
    assert "database_not_found" in capsys.readouterr().err
    assert not (data_dir / "ballast.db").exists()


def test_config_prints_every_setting_with_its_source(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLAST_SECRET", "hunter22" * 5)
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    assert f"data_dir = {data_dir}  # environment BALLAST_DATA_DIR" in printed
    assert "port = 8000  # default" in printed and "hunter22" not in printed


def test_a_misspelt_variable_stops_every_command(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLAST_PROT", "1")
    assert main(["migrate"]) == 2
    assert "did you mean BALLAST_PORT?" in capsys.readouterr().err
    assert not data_dir.exists()


def test_a_value_that_does_not_fit_is_named_without_being_shown(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLAST_PORT", "hunter22")
    assert main(["config"]) == 2
    said = capsys.readouterr().err
    assert "setting port" in said and "hunter22" not in said


def test_a_command_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["token"], ["nonsense"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2


def test_a_secret_file_that_is_not_there_is_named_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "no-secret"
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BALLAST_SECRET_FILE", str(missing))
    monkeypatch.setattr("app.cli.gc.disable", lambda: None)
    assert main(["serve"]) == 1
    assert capsys.readouterr().err == f"ballast: {missing}: No such file or directory\n"


def test_an_unsafe_address_is_refused_before_there_is_a_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BALLAST_HOST", "0.0.0.0")
    monkeypatch.setattr("app.cli.gc.disable", lambda: None)
    assert main(["serve"]) == 1
    assert "BALLAST_BEHIND_TLS_PROXY=true" in capsys.readouterr().err
    assert not (tmp_path / "data" / "ballast.db").exists()


@pytest.mark.parametrize("days", ["0", "-1", "99999999999"])
def test_a_token_lasts_from_a_day_to_ten_years(
    days: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", "create", "desk", "--days", days])
    assert ended.value.code == 2
    assert "argument --days: 1 to 3650" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["mysql://u:hunter22@h/d", "nonsense"])
def test_a_database_of_another_kind_is_refused_without_showing_its_address(
    address: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BALLAST_DATABASE_URL", address)
    assert main(["migrate"]) == 1
    told = capsys.readouterr().err
    assert "unknown_database" in told
    assert "hunter22" not in told


def test_a_data_folder_made_here_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path / "data"))
    assert main(["migrate"]) == 0
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", ["serve", "migrate", "doctor"])
def test_a_database_that_cannot_be_reached_is_one_line_with_its_place(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = free_port()
    address = f"postgresql+psycopg://ballast:hidden-word@127.0.0.1:{port}/ballast"
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BALLAST_DATABASE_URL", address)
    assert main([command]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"ballast: PostgreSQL at 127.0.0.1:{port} cannot be reached. (database_unreachable)\n"
    )


def test_a_role_or_database_that_is_not_there_is_told_from_a_server_that_is_not(
    postgresql_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    missing = make_url(postgresql_address).set(database="ballast_no_such_database")
    monkeypatch.setenv("BALLAST_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BALLAST_DATABASE_URL", missing.render_as_string(hide_password=False))
    assert main(["migrate"]) == 1
    assert "has no such database or role: check BALLAST_DATABASE_URL" in capsys.readouterr().err
