"""What is particular to a database in a file."""

import stat
from contextlib import closing
from pathlib import Path

import pytest

from proxy.store.database import Database


def test_a_new_file_is_its_owners_alone_and_one_that_is_there_keeps_its_mode(
    tmp_path: Path,
) -> None:
    path = tmp_path / "proxy.sqlite"
    with_modes = [(None, 0o600), (0o640, 0o640)]
    for given, expected in with_modes:
        if given is not None:
            path.chmod(given)
        database = Database(f"sqlite:///{path}")
        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("proxy.sqlite*")}
        database.close()
        # The one whose lock stands for the turn holds nothing.
        assert modes - {0o600} == {expected} - {0o600}


def test_where_the_file_system_has_no_locks_sqlite_s_own_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    url = f"sqlite:///{tmp_path}/proxy.sqlite"
    with closing(Database(url)) as database, closing(Database(url)) as elsewhere:
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE written (number)")
        added = "INSERT INTO written VALUES (1)"
        elsewhere.writes.run(lambda driver: driver.execute(added, {}))
        assert database.read_one("SELECT number FROM written", {}) == (1,)
