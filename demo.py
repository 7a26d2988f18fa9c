"""The smallest client: one request to a model, and a sentence in tokens, through a proxy-server.

Start `proxy-server` first; it writes the key that this reads.
"""

import argparse
from pathlib import Path

from common.authentication import Authentication
from common.command_line import add_common_flags, run, set_up_logging
from common.errors import InvalidRequestError, provider_error
from common.request import Request
from common.tokenization import TokenizationRequest
from proxy.services.remote_service import DEFAULT_URL, RemoteService


def main() -> int:
    """Ask, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="demo.py", description="Ask one model through a proxy.")
    parser.add_argument("--server-url", default=DEFAULT_URL, help=f"default: {DEFAULT_URL}")
    parser.add_argument("--api-key-path", type=Path, default=Path("proxy_api_key.txt"))
    parser.add_argument("--model", default="simple/model1", help="default: simple/model1")
    add_common_flags(parser)
    args = parser.parse_args()
    set_up_logging(args)
    return run(lambda: demonstrate(args), parser.prog)


def demonstrate(args: argparse.Namespace) -> None:
    """Print a completion and some tokens of `args.model`."""
    service = RemoteService(args.server_url)
    auth = read_key(args.api_key_path)

    request = Request(model=args.model, prompt="One small step for a", max_tokens=10)
    result = service.make_request(auth, request)
    if result.outcome == "error":
        raise provider_error(result.error_code or "", f"{args.model} failed: {result.error}")
    for completion in result.completions:
        print(f"{args.model} completes {request.prompt!r} with {completion.text!r}")

    tokenizer = service.get_deployment(auth, args.model).tokenizer
    if tokenizer is not None:
        sentence = TokenizationRequest(text="Tokens are what models read.", tokenizer=tokenizer)
        print(f"{tokenizer} reads {service.tokenize(auth, sentence).raw_tokens}")


def read_key(path: Path) -> Authentication:
    """Return the API key in the file at `path`."""
    try:
        return Authentication(path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise InvalidRequestError(
            f"no API key: {path} can't be read ({error.strerror}); "
            "proxy-server writes it at its first start"
        ) from error


if __name__ == "__main__":
    raise SystemExit(main())
