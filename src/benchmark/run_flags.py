"""The flags of every command that runs run specs."""

import argparse
import math
from pathlib import Path

EMBEDDED_MODEL = "local/smollm2-135m-instruct"
KEY_VARIABLE = "OPENAI_COMPATIBLE_API_KEY"
MIRROR_VARIABLE = "BENCHMARK_DATA_MIRROR"


def add_execution_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of every command that runs run specs."""
    what = parser.add_argument_group("what is run")
    what.add_argument(
        "-c",
        "--conf-path",
        type=Path,
        metavar="PATH",
        help="file of run entries (HOCON); run_specs.conf comes with this program",
    )
    what.add_argument(
        "--priority", type=int, help="only entries of this priority or a higher one (1 is highest)"
    )
    what.add_argument(
        "--models-to-run",
        nargs="+",
        metavar="MODEL",
        help="only runs of these models, which also join the groups (model=text) that they fit",
    )
    what.add_argument(
        "--groups-to-run", nargs="+", metavar="GROUP", help="only runs of these groups"
    )
    what.add_argument(
        "-m",
        "--max-eval-instances",
        type=_positive,
        metavar="N",
        help="evaluate at most N instances a run, drawn with a fixed seed "
        "(a larger N later extends the run)",
    )
    what.add_argument(
        "-t",
        "--num-train-trials",
        type=_positive,
        metavar="N",
        help="draw the in-context examples N times",
    )
    who = parser.add_argument_group("who is asked")
    who.add_argument(
        "--model",
        help="model of entries without model= "
        f"(default: defaultModel of service.conf, else {EMBEDDED_MODEL})",
    )
    who.add_argument(
        "--base-url",
        metavar="URL",
        help="an OpenAI-compatible server, for --model openai-compatible/NAME; "
        f"its key is read from {KEY_VARIABLE}",
    )
    who.add_argument(
        "--api",
        choices=["completions", "chat"],
        default="completions",
        help="how --base-url is asked: the prompt as it is, or as one user message "
        "(default: %(default)s)",
    )
    who.add_argument(
        "--server-url",
        metavar="URL",
        help="ask through a running proxy-server, such as http://localhost:1959",
    )
    who.add_argument(
        "--api-key-path",
        type=Path,
        default=Path("proxy_api_key.txt"),
        help="file with the key for --server-url (default: %(default)s)",
    )
    who.add_argument(
        "--local", action="store_true", help="ask from this process, without a proxy (the default)"
    )
    who.add_argument(
        "--local-path",
        type=Path,
        default=Path("prod_env"),
        help="folder of cache, models and settings (default: %(default)s)",
    )
    who.add_argument(
        "--mc-fallback",
        choices=["prompt-logprobs", "top-logprobs", "generation"],
        default="prompt-logprobs",
        help="how choices that are scored one by one are asked where a model can't score a prompt: "
        "not at all, by the log-probabilities of their letters, or by generating a letter "
        "(default: %(default)s)",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "-n",
        "--num-threads",
        type=_positive,
        default=32,
        metavar="N",
        help="at most N requests under way at a time; fewer where a model takes no more "
        "(default: %(default)s)",
    )
    how.add_argument(
        "--runner",
        choices=["local", "ray"],
        default="local",
        help="who sends the requests: this process, or workers of a Ray cluster "
        "(default: %(default)s)",
    )
    how.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        default="local",
        help="the cluster: HOST:PORT of its head, auto for the one that this machine is in, or "
        "local for workers on this machine alone (default: %(default)s)",
    )
    how.add_argument(
        "-o",
        "--output-path",
        metavar="PATH_OR_URL",
        default="benchmark_output",
        help="where results go: a folder, or for finished runs a URL such as s3://bucket/results "
        "(default: %(default)s)",
    )
    how.add_argument(
        "--suite", default="default", help="folder of the runs, under runs/ (default: %(default)s)"
    )
    how.add_argument(
        "--data-mirror",
        metavar="PATH_OR_URL",
        help=f"where data files come from in place of their origins (or {MIRROR_VARIABLE})",
    )
    how.add_argument(
        "--plugins",
        type=Path,
        metavar="DIR",
        help="folder of own scenarios, run specs, metrics and clients, laid out as src/ is",
    )
    how.add_argument(
        "-d",
        "--dry-run",
        action="store_true",
        help="make all requests and send none; show how many tokens they take, and what they cost",
    )
    how.add_argument(
        "--max-cost",
        type=_dollars,
        metavar="DOLLARS",
        help="stop before more would be spent by this command (US dollars, for all its runs)",
    )
    how.add_argument(
        "--skip-instances", action="store_true", help="only check that every run can be made"
    )
    how.add_argument(
        "--exit-on-error", action="store_true", help="start no run after one that failed"
    )
    how.add_argument(
        "--allow-code-execution",
        action="store_true",
        help="run code that a model wrote, in a process with limits (for scores of code)",
    )
    how.add_argument(
        "--rescore",
        action="store_true",
        help="compute the scores of finished runs again, from the answers they have",
    )
    how.add_argument(
        "--max-error-rate",
        type=_rate,
        default=0.05,
        metavar="RATE",
        help="a run with a larger share of failed requests counts as incomplete "
        "(default: %(default)s)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text!r}")
    return rate


def _dollars(text: str) -> float:
    try:
        amount = float(text.removeprefix("$"))
    except ValueError:
        amount = -1.0
    if not 0 <= amount < math.inf:
        raise argparse.ArgumentTypeError(f"must be an amount such as 5 or 0.25, not {text!r}")
    return amount
