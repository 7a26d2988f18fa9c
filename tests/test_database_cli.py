"""`proxy-cli db`: from SQLite to PostgreSQL, and what each can't do."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from common.authentication import Authentication
from postgresql_server import PASSWORD, PostgresqlServer
from proxy.accounts.accounts import Accounts
from proxy.cli.main import main
from proxy.store.database import Database
from proxy.store.migrations import MIGRATIONS


@pytest.fixture
def target(postgresql: PostgresqlServer) -> str:
    return postgresql.new_schema()


@pytest.fixture
def base_path(tmp_path: Path) -> Path:
    """An installation with one account."""
    with closing(Database(f"sqlite:///{tmp_path}/proxy.sqlite")) as database:
        (tmp_path / "key").write_text(Accounts(database).create("Ada", is_admin=True).api_key)
    return tmp_path


def test_an_installation_moves(
    base_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"sqlite:///{base_path}/proxy.sqlite"
    assert main(["db", "copy", source, target]) == 0
    printed = capsys.readouterr()
    assert "accounts: 1 rows" in printed.out
    assert "was copied to" in printed.out
    with closing(Database(target)) as database:
        auth = Authentication((base_path / "key").read_text())
        accounts = Accounts(database)
        assert accounts.authenticate(auth).description == "Ada"
        assert accounts.create("Grace").account.id == 2
        accounts.close()
    assert main(["--json", "db", "copy", source, target]) == 1
    printed = capsys.readouterr()
    assert "has rows in accounts" in printed.err
    for text in printed:
        assert PASSWORD not in text


def test_a_copy_of_nothing_makes_nothing(
    tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "copy", f"sqlite:///{tmp_path}/none.sqlite", target]) == 2
    assert "there is no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_setting_names_the_database(
    tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "service.conf").write_text(f'database = "{target}"')
    newest = len(MIGRATIONS)
    for before in (0, newest):
        assert main(["-b", str(tmp_path), "--json", "db", "migrate"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["before"], told["now"]) == (before, newest)
    assert main(["-b", str(tmp_path), "db", "migrate"]) == 0
    assert f"has layout {newest}, the newest" in capsys.readouterr().out
    assert main(["-b", str(tmp_path), "db", "backup", str(tmp_path / "copy")]) == 2
    assert "pg_dump" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_told_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "postgresql+psycopg://me:secret@127.0.0.1:1/x"
    assert main(["--database", url, "db", "migrate"]) == 1
    told = capsys.readouterr().err
    assert "x at 127.0.0.1:1 does not answer" in told
    assert "secret" not in told
