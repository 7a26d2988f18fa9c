"""`proxy-cli` as its users meet it: it asks a real proxy-server, or opens its database."""

import json
import os
import pickle
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from common.authentication import Authentication
from common.request import Request
from common.tokenization import TokenizationRequest
from proxy.services.remote_service import RemoteService
from proxy_process import ProxyProcess

END_SECONDS = 60
KEY = re.compile(r"lmb-[\w-]{51}")
OLD_KEY = "Fg7sKq0ZpXw3TnB5vRy8LmD1cHj4EaU6"


class Ended(NamedTuple):
    """What a command has printed, and its exit code."""

    code: int
    output: str
    error: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.error
        return json.loads(self.output)


class Cli:
    """Runs commands beside the key file of a server."""

    def __init__(self, proxy: ProxyProcess) -> None:
        self._proxy = proxy

    def __call__(self, *arguments: str) -> Ended:
        environment = {
            name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
        }
        ended = subprocess.run(
            [sys.executable, "-m", "proxy.cli.main", *arguments],
            cwd=self._proxy.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=END_SECONDS,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def ask(self, *arguments: str) -> Ended:
        """Run a command that asks the server."""
        return self(*arguments, "--server-url", self._proxy.url)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyProcess]:
    with ProxyProcess(tmp_path_factory.mktemp("proxy")) as running:
        yield running


@pytest.fixture(scope="module")
def cli(proxy: ProxyProcess) -> Cli:
    return Cli(proxy)


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Commands to a server that has only one account."""
    with ProxyProcess(tmp_path_factory.mktemp("lonely"), "-w", "1") as running:
        yield Cli(running)


def create(cli: Cli, *arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = cli.ask("create", "--json", *arguments).json
    return made


# --- Accounts -----------------------------------------------------------------------------------


def test_create_prints_the_key_once(cli: Cli, proxy: ProxyProcess) -> None:
    ended = cli.ask("create", "-d", "Ada", "-e", "ada@example.org", "-g", "course", "-a", "false")
    [key] = KEY.findall(ended.output)
    RemoteService(proxy.url).make_request(Authentication(key), Request(model="simple/model1"))
    listed = cli.ask("list", "-g", "course")
    assert "ada@example.org" in listed.output
    assert key[:12] in listed.output
    everything = [cli.ask(*command).output for command in (["list"], ["show"], ["audit"])]
    assert KEY.findall("".join(everything)) == []


def test_create_sets_what_is_given(cli: Cli) -> None:
    made = create(
        *(cli, "-d", "Grace", "-a", "-q", "gpt3.daily=500", "gpt3.daily=$2.5", "gpt3.total=$9"),
        *("--expires-at", "2099-12-31", "--requests-per-minute", "30"),
    )
    assert made["is_admin"] is True
    assert made["usages"]["gpt3"]["daily"]["quota"] == 500
    assert made["usages"]["gpt3"]["daily"]["cost_quota"] == 2.5
    assert made["usages"]["gpt3"]["total"]["cost_quota"] == 9
    assert (made["requests_per_minute"], made["expires_at"]) == (30, 4102358400)


def test_list_shows_quotas_of_model_groups(cli: Cli) -> None:
    create(cli, "-d", "limited", "-g", "limited", "-q", "gpt3.daily=500")
    ended = cli.ask("list", "-g", "limited", "-m", "gpt3")
    header, _, row = ended.output.splitlines()
    assert header.split()[-3:] == ["gpt3.daily", "gpt3.monthly", "gpt3.total"]
    assert row.split()[-3:] == ["0/500", "0", "0"]


def test_update_by_number_or_by_key(cli: Cli) -> None:
    made = create(cli, "-d", "before")
    assert cli.ask("update", "--id", str(made["id"]), "-d", "between").code == 0
    changed = cli.ask(
        *("update", "-k", made["key_prefix"], "-q", "gpt3.daily=unlimited", "--json"),
        *("--expires-at", "never"),
    ).json[0]
    assert changed["description"] == "between"
    assert changed["usages"]["gpt3"]["daily"]["quota"] is None
    assert cli.ask("update", "-k", made["api_key"], "-a", "--json").json[0]["is_admin"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["update", "--id", "1"], 2, "say what to change"),
        (["update", "-d", "x"], 2, "required"),
        (["update", "--id", "99", "-d", "x"], 1, "there is no account 99"),
        (["update", "-k", "lmb-nobody", "-d", "x"], 1, "no accounts have a key"),
        (["update", "--id", "1", "-a", "false"], 1, "last administrator"),
        (["update", "--id", "1", "-a", "yes"], 2, "invalid choice"),
        (["delete", "--id", "1"], 1, "last administrator"),
        (["create", "-q", "gpt3.daily=10k"], 2, "10k"),
        (["create", "-q", "gpt3.hourly=10"], 2, "hourly"),
        (["create", "-q", "gpt3=10"], 2, "gpt3"),
        (["create", "--requests-per-minute", "-1"], 2, "requests_per_minute"),
        (["create", "--expires-at", "soon"], 2, "expires-at"),
        (["account", "export", "99"], 1, "there is no account 99"),
        (["revoke", "99"], 1, "no key 99"),
        (["usage", "--days", "0"], 2, "days"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_can_not_be_done_is_one_sentence(
    lonely: Cli, arguments: list[str], code: int, words: str
) -> None:
    ended = lonely.ask(*arguments)
    assert ended.code == code
    assert words in ended.error
    assert "Traceback" not in ended.error
    assert ended.output == ""


def test_delete_and_erase(cli: Cli) -> None:
    made = create(cli, "-d", "Countess")
    assert "Countess" in cli.ask("delete", "--id", str(made["id"])).output
    assert made["key_prefix"] not in cli.ask("list").output
    assert "Countess" in cli.ask("account", "export", str(made["id"])).output
    assert cli.ask("account", "erase", str(made["id"])).code == 0
    assert "Countess" not in cli.ask("account", "export", str(made["id"])).output


def test_rotate_and_revoke(cli: Cli, proxy: ProxyProcess) -> None:
    made = create(cli)
    rotated = cli.ask("rotate", "-k", made["key_prefix"], "--grace-seconds", "0", "--json").json
    [old, new] = rotated["keys"]
    assert old["revoked_at"] is not None
    service, auth = RemoteService(proxy.url), Authentication(rotated["api_key"])
    service.get_deployment(auth, "simple/model1")
    assert cli.ask("revoke", str(new["id"])).code == 0
    shown = cli.ask("show", "--id", str(made["id"]), "--json").json
    assert shown["keys"][1]["revoked_at"] is not None


def test_usage_and_audit(cli: Cli, proxy: ProxyProcess) -> None:
    service = RemoteService(proxy.url)
    service.make_request(proxy.auth, Request(model="simple/model1", prompt="what is used"))
    rows = cli.ask("usage", "--id", "1", "--days", "1", "--json").json
    assert [row["model"] for row in rows] == ["simple/model1"]
    service.tokenize(proxy.auth, TokenizationRequest(text="what is", tokenizer="simple/model1"))
    table = cli.ask("usage").output
    assert re.search(r"  simple +simple/model1  ", table)
    assert re.search(r"  tokenizers +simple/model1  ", table)  # the tokenizer of the same name
    create(cli, "-d", "audited")
    assert cli.ask("audit", "--json").json[0]["action"] == "account.create"
    assert "account.create" in cli.ask("audit").output


# --- The server and the key ---------------------------------------------------------------------


def test_without_a_server_it_says_how_to_start_one(cli: Cli) -> None:
    ended = cli("list", "--server-url", "http://127.0.0.1:9")
    assert (ended.code, "proxy-server" in ended.error) == (1, True)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_without_a_key_it_says_where_it_looked(
    cli: Cli, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "key.txt"
    if content is not None:
        path.write_bytes(content)
    ended = cli.ask("list", "--api-key-path", str(path))
    assert (ended.code, str(path) in ended.error) == (2, True)


def test_a_wrong_key_is_not_repeated(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("lmb-wrongwrongwrongwrong")
    ended = cli.ask("list", "--api-key-path", str(tmp_path / "key.txt"))
    assert (ended.code, "not known" in ended.error, "wrongwrong" in ended.error) == (1, True, False)


def test_flags_may_stand_before_the_command(cli: Cli, proxy: ProxyProcess) -> None:
    assert cli("--server-url", proxy.url, "--json", "list").json[0]["id"] == 1


def test_without_a_command_it_helps(cli: Cli) -> None:
    ended = cli()
    assert (ended.code, "import-accounts" in ended.error) == (2, True)


# --- The database -------------------------------------------------------------------------------


def test_accounts_are_imported_into_a_running_server(cli: Cli, proxy: ProxyProcess) -> None:
    old = {"api_key": OLD_KEY, "description": "of old", "usages": {"gpt3": {"total": {"used": 9}}}}
    path = proxy.folder / "accounts.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE unnamed (key TEXT PRIMARY KEY, value BLOB)")
        connection.execute("INSERT INTO unnamed VALUES (?, ?)", (OLD_KEY, pickle.dumps(old)))
    assert cli("import-accounts", str(path)).output.startswith("1 accounts were imported")
    assert cli("import-accounts", str(path), "--json").json["num_known"] == 1
    RemoteService(proxy.url).get_deployment(Authentication(OLD_KEY), "simple/model1")
    assert OLD_KEY not in cli.ask("list").output


def test_a_short_key_is_replaced_by_one_that_is_printed(cli: Cli, proxy: ProxyProcess) -> None:
    path = proxy.folder / "accounts.jsonl"
    path.write_text('{"api_key": "crfm", "description": "first", "is_admin": true}\n')
    [key] = KEY.findall(cli("import-accounts", str(path)).output)
    RemoteService(proxy.url).get_deployment(Authentication(key), "simple/model1")


@pytest.mark.parametrize("content", [None, b"{", b"SQLite format 3\0", b"{}"])
def test_a_file_that_holds_no_accounts(cli: Cli, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "accounts.jsonl"
    if content is not None:
        path.write_bytes(content)
    ended = cli("import-accounts", str(path), "-b", str(tmp_path / "prod_env"))
    assert (ended.code, str(path) in ended.error) == (1, True)
    assert "Traceback" not in ended.error


def test_the_server_names_the_command_until_it_was_used(tmp_path: Path) -> None:
    (tmp_path / "prod_env").mkdir()
    path = tmp_path / "prod_env" / "accounts.jsonl"
    path.write_text(f'{{"api_key": "{OLD_KEY}"}}\n')
    with ProxyProcess(tmp_path, "-w", "1") as proxy:
        assert "proxy-cli -b prod_env import-accounts prod_env/accounts.jsonl" in proxy.log()
        assert Cli(proxy)("import-accounts", "prod_env/accounts.jsonl").code == 0
    with ProxyProcess(tmp_path, "-w", "1") as proxy:
        assert "import-accounts" not in proxy.log()


def test_a_backup_of_a_database_in_use(cli: Cli, proxy: ProxyProcess, tmp_path: Path) -> None:
    made = create(cli, "-d", "saved")
    backup = tmp_path / "backup.sqlite"
    assert cli("db", "backup", str(backup)).code == 0
    with ProxyProcess(tmp_path, "--database", f"sqlite:///{backup}", "-w", "1") as copy:
        auth = Authentication(made["api_key"])
        RemoteService(copy.url).get_deployment(auth, "simple/model1")
    assert cli("db", "backup", str(backup)).code == 1  # it is not overwritten


def test_a_backup_of_nothing(cli: Cli, tmp_path: Path) -> None:
    ended = cli("db", "backup", str(tmp_path / "backup"), "-b", str(tmp_path / "nowhere"))
    assert (ended.code, "there is no database" in ended.error) == (2, True)
    assert list(tmp_path.iterdir()) == []
