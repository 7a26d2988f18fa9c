import argparse
import subprocess
import sys

import pytest

from common.command_line import add_common_flags, hide_keys, run
from common.errors import ConflictError, InvalidRequestError
from common.version import VERSION

KEY = "lmb-abcdefgh_ijklmnopqrstuvwxyz-0123456789ABCDEFGHIJ"


def failing(error: BaseException) -> int:
    def command() -> None:
        raise error

    return run(command, "tool")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="tool")
    add_common_flags(made)
    return made


def logged(flag: str, code: str) -> str:
    """What `code` puts on stderr; in a process of its own, since pytest has a hand in logging."""
    start = (
        "import argparse, logging; from common.command_line import *; "
        "parser = argparse.ArgumentParser(); add_common_flags(parser); "
        f"set_up_logging(parser.parse_args({flag.split()}))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code], check=True, capture_output=True, text=True
    ).stderr


def test_a_command_that_returns_nothing_has_succeeded() -> None:
    assert run(lambda: None, "tool") == 0
    assert run(lambda: 1, "tool") == 1


def test_an_error_is_one_sentence_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(ConflictError("port 1 is in use")) == 1
    assert failing(InvalidRequestError("no such thing")) == 2
    assert capsys.readouterr() == ("", "tool: port 1 is in use\ntool: no such thing\n")


def test_an_interrupted_command_has_exit_code_130() -> None:
    assert failing(KeyboardInterrupt()) == 130


def test_a_bug_shows_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


def test_a_closed_pipe_ends_a_command_without_a_word() -> None:
    code = "from common.command_line import run; run(lambda: print('word\\n' * 100_000), 'tool')"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"word\n"
        process.stdout.close()
        assert process.stderr.read() == b""


def test_version_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--version"])
    assert capsys.readouterr().out == f"tool {VERSION}\n"


@pytest.mark.parametrize(
    ("flag", "shown"),
    [("", ["info", "warning"]), ("-q", ["warning"]), ("-v", ["debug", "info", "warning"])],
)
def test_flags_choose_what_is_logged(flag: str, shown: list[str]) -> None:
    text = logged(
        flag,
        "for level in ('debug', 'info', 'warning'):\n"
        "    getattr(logging.getLogger('proxy.part'), level)(level)\n"
        "logging.getLogger('sqlalchemy.engine').info('parameters, and so prompts')",
    )
    assert [line.rpartition(" ")[2] for line in text.splitlines()] == shown


def test_no_key_gets_into_the_log() -> None:
    text = logged(
        "",
        "try:\n"
        f"    raise ValueError('{KEY}')\n"
        "except ValueError as error:\n"
        "    logging.getLogger('proxy').exception('with %s', error)",
    )
    assert "with lmb-abcd…" in text
    assert "ValueError: lmb-abcd…" in text


def test_providers_keys_are_hidden_and_words_are_not() -> None:
    assert hide_keys("Incorrect key: sk-proj-0123456789abcdef.") == "Incorrect key: sk-proj…."
    assert hide_keys("task-force-of-the-year, lmb-abcdefgh") == (
        "task-force-of-the-year, lmb-abcdefgh"
    )
