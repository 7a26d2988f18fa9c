"""Tests of the routes and the error table, called as WSGI applications are."""

import io
import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

import msgspec
import pytest

from common import errors
from common.authentication import Authentication
from common.errors import BenchError, ProviderError, StorageError, UnknownNameError
from common.request import Outcome, Request, RequestResult, failed_result
from common.tokenization import (
    DecodeRequest,
    DecodeRequestResult,
    TokenizationRequest,
    TokenizationRequestResult,
    TokenizationToken,
)
from common.toxicity import PerspectiveAPIRequest, PerspectiveAPIRequestResult
from proxy.accounts.accounts import Accounts
from proxy.accounts.rules import AccountRules
from proxy.api import build_app
from proxy.error_answer import ErrorAnswer, ErrorInfo, to_error
from proxy.routes.web import KEY_PREFIX, MAX_BODY_BYTES, REQUEST_ID, Context
from proxy.services.service import DeploymentInfo, GeneralInfo, Service
from proxy.store.database import Database

SECRET = "a secret of the server"
REQUEST = b'{"model": "simple/model1", "prompt": "2+2="}'

Json = dict[str, Any]


class StubService(Service):
    """Answers with `result`, or fails with `error`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.result = RequestResult(success=True, completions=[], cached=False)
        self.error: Exception | None = None
        self.asked: list[object] = []
        self.tokenizer: str | None = None
        self.max_request_length: int | None = None

    def _receive(self, asked: object) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error

    def get_general_info(self) -> GeneralInfo:
        self._receive(None)
        return GeneralInfo(version="1", example_queries=[], all_models=[])

    def get_deployment(
        self, auth: Authentication, model: str, deployment: str | None = None
    ) -> DeploymentInfo:
        self._receive((model, deployment))
        return DeploymentInfo(
            name=model,
            identity={},
            tokenizer=self.tokenizer,
            max_request_length=self.max_request_length,
        )

    def make_request(
        self,
        auth: Authentication,
        request: Request,
        on_piece: Callable[[int, str], None] | None = None,
    ) -> RequestResult:
        self._receive(request)
        return self.result

    def tokenize(
        self, auth: Authentication, request: TokenizationRequest
    ) -> TokenizationRequestResult:
        self._receive(request)
        return TokenizationRequestResult(
            success=True, cached=False, text=request.text, tokens=[TokenizationToken(7)]
        )

    def decode(self, auth: Authentication, request: DecodeRequest) -> DecodeRequestResult:
        self._receive(request)
        return DecodeRequestResult(success=True, cached=False, text="seven")

    def get_toxicity_scores(
        self, auth: Authentication, request: PerspectiveAPIRequest
    ) -> PerspectiveAPIRequestResult:
        self._receive(request)
        return PerspectiveAPIRequestResult(cached=False)


class Answer(NamedTuple):
    """What a call brought; `body` is the parsed JSON."""

    status: int
    headers: dict[str, str]
    body: Json
    environ: Json

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])


class UnreadableBody(io.BytesIO):
    """A body that nobody may look at."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


class Proxy:
    """An application, and one account that may use it."""

    def __init__(self, folder: Path) -> None:
        self.service = StubService()
        rules = AccountRules(default_quotas={})  # whose limits are told, the service is asked
        accounts = Accounts(Database(f"sqlite:///{folder}/proxy.sqlite"), rules=rules)
        self.account = accounts.create("tests")
        self._app = build_app(Context(service=self.service, accounts=accounts))

    def call(self, method: str, path: str, body: bytes = b"", **more: object) -> Answer:
        authorization = {"HTTP_AUTHORIZATION": f"Bearer {self.account.api_key}"}
        return self.call_as_stranger(method, path, body, **authorization | more)

    def call_as_stranger(self, method: str, path: str, body: bytes = b"", **more: object) -> Answer:
        path, _, query = path.partition("?")
        environ: Json = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **more,
        }
        setup_testing_defaults(environ)
        started: list[tuple[str, list[tuple[str, str]]]] = []
        pieces = self._app(
            environ, lambda status, headers, _=None: started.append((status, headers))
        )
        content, ((status, headers),) = b"".join(pieces), started
        parsed = msgspec.json.decode(content) if content.startswith(b"{") else {"text": content}
        return Answer(int(status.split()[0]), dict(headers), parsed, environ)


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    return Proxy(tmp_path)


def error_classes() -> list[type[BenchError]]:
    kinds: list[type[BenchError]] = [BenchError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return [kind for kind in kinds if kind.__module__ == errors.__name__]


# --- Routes -------------------------------------------------------------------------------------


def test_health_and_general_info_need_no_key(proxy: Proxy) -> None:
    assert proxy.call_as_stranger("GET", "/healthz").body == {"text": b"ok\n"}
    info = proxy.call_as_stranger("GET", "/api/general_info")
    assert (info.status, info.body["version"]) == (200, "1")


def test_a_request_reaches_the_service_as_it_was_sent(proxy: Proxy) -> None:
    answer = proxy.call("POST", "/api/request", '{"prompt": "2+2=\\u00e9é", "top_p": 0.5}'.encode())
    assert proxy.service.asked == [Request(prompt="2+2=éé", top_p=0.5)]
    assert answer.status == 200
    assert msgspec.convert(answer.body, RequestResult) == proxy.service.result


@pytest.mark.parametrize("outcome", ["ok", "truncated", "refused"])
def test_an_answer_of_a_model_is_200(proxy: Proxy, outcome: Outcome) -> None:
    proxy.service.result = RequestResult(success=True, completions=[], cached=True, outcome=outcome)
    answer = proxy.call("POST", "/api/request", REQUEST)
    assert (answer.status, answer.body["outcome"]) == (200, outcome)


@pytest.mark.parametrize(
    "kind", [kind for kind in error_classes() if issubclass(kind, ProviderError)]
)
def test_a_failed_provider_has_the_status_of_its_error_and_the_result(
    proxy: Proxy, kind: type[ProviderError]
) -> None:
    proxy.service.result = failed_result("what it said", kind.code)
    answer = proxy.call("POST", "/api/request", REQUEST)
    assert (answer.status, answer.code, answer.message) == (kind.status, kind.code, "what it said")
    assert answer.status in (429, 502, 503, 504)
    assert msgspec.convert(answer.body["result"], RequestResult) == proxy.service.result


def test_tokenize_and_decode(proxy: Proxy) -> None:
    tokens = proxy.call("POST", "/api/tokenize", b'{"text": "a", "encode": true}')
    assert tokens.body["tokens"] == [{"value": 7, "text_range": None}]
    assert proxy.call("POST", "/api/decode", b'{"tokens": [7]}').body["text"] == "seven"
    assert proxy.service.asked == [
        TokenizationRequest(text="a", encode=True),
        DecodeRequest(tokens=[7]),
    ]


def test_deployment_takes_names_in_the_query(proxy: Proxy) -> None:
    proxy.call("GET", "/api/deployment?model=a/%C3%A9+b")
    proxy.call("GET", "/api/deployment?model=a/b&deployment=c")
    assert proxy.service.asked == [("a/é b", None), ("a/b", "c")]
    answer = proxy.call("GET", "/api/deployment")
    assert (answer.status, answer.code) == (400, "invalid_request")


def test_a_query_is_expanded_and_nothing_is_asked(proxy: Proxy) -> None:
    body: Json = {"prompt": "${x}", "settings": "max_tokens: 5", "environments": "x: [a, b]"}
    answer = proxy.call("POST", "/api/query", msgspec.json.encode(body))
    assert (answer.status, answer.body["is_truncated"]) == (200, False)
    assert msgspec.convert(answer.body["requests"], list[Request]) == [
        Request(prompt="a", max_tokens=5),
        Request(prompt="b", max_tokens=5),
    ]
    answer = proxy.call("POST", "/api/query", msgspec.json.encode(body | {"environments": ""}))
    assert (answer.status, answer.code) == (400, "unknown_name")
    answer = proxy.call("POST", "/api/query", b'{"prompt": ""}')
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert proxy.service.asked == []


def test_any_body_of_a_query_is_answered_or_refused(proxy: Proxy) -> None:
    draw = random.Random(0)
    pieces = [
        *'{}[]",:$% x1\\\n',
        "${x}",
        '"prompt"',
        '"settings"',
        '"environments"',
        "x: [1]",
        "é",
    ]

    def text() -> str:
        return "".join(draw.choices(pieces, k=draw.randrange(12)))

    for _ in range(500):
        fields = {name: text() for name in ("prompt", "settings", "environments")}
        for body in (text().encode(), msgspec.json.encode(fields)):
            assert proxy.call("POST", "/api/query", body).status in (200, 400)


def test_every_answer_has_an_id_of_its_own_and_safe_headers(proxy: Proxy) -> None:
    answers = [
        proxy.call("POST", "/api/request", REQUEST),
        proxy.call("POST", "/api/request", b"{"),
        proxy.call("POST", "/api/nothing"),
        proxy.call_as_stranger("POST", "/api/request"),
    ]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == len(answers)
    assert ids[1:] == [answer.body["error"]["request_id"] for answer in answers[1:]]
    assert ids == [answer.environ[REQUEST_ID] for answer in answers]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"


# --- Keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "lmb-abc"])
def test_without_a_bearer_key_the_answer_is_401(proxy: Proxy, value: str) -> None:
    answer = proxy.call_as_stranger("POST", "/api/request", REQUEST, HTTP_AUTHORIZATION=value)
    assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert answer.headers["Www-Authenticate"] == "Bearer"


def test_a_wrong_key_is_401_and_not_repeated(proxy: Proxy) -> None:
    answer = proxy.call("POST", "/api/request", HTTP_AUTHORIZATION="Bearer lmb-wrong")
    assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert "lmb-wrong" not in answer.message


def test_the_scheme_may_have_any_case(proxy: Proxy) -> None:
    key = proxy.account.api_key
    answer = proxy.call("POST", "/api/request", REQUEST, HTTP_AUTHORIZATION=f"bearer {key}")
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/api/request", "/api/tokenize", "/api/decode", "/api/query"])
def test_a_stranger_makes_the_server_read_nothing(proxy: Proxy, path: str) -> None:
    unreadable: Json = {"wsgi.input": UnreadableBody()}
    assert proxy.call_as_stranger("POST", path, **unreadable).status == 401
    assert proxy.service.asked == []


def test_the_access_log_is_told_the_visible_part_of_the_key(proxy: Proxy) -> None:
    answer = proxy.call("POST", "/api/request", REQUEST)
    assert answer.environ[KEY_PREFIX] == proxy.account.account.key_prefix
    assert KEY_PREFIX not in proxy.call_as_stranger("GET", "/healthz").environ


# --- Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/nothing/é", 404, "not_found"),
        ("GET", "/api/request", 405, "method_not_allowed"),
        ("DELETE", "/healthz", 405, "method_not_allowed"),
    ],
)
def test_a_wrong_path_or_method(
    proxy: Proxy, method: str, path: str, status: int, code: str
) -> None:
    answer = proxy.call(method, path)
    assert (answer.status, answer.code) == (status, code)
    assert path in answer.message


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b'{"prompt": "\xff"}', "the body is not JSON"),
        (b"[]", "Expected `object`"),
        (b'{"temperature": "hot"}', "$.temperature"),
        (b'{"temperature": -1}', "`temperature` must be at least 0, not -1"),
        (b'{"tempreature": 1}', "unknown field `tempreature`"),
        (b'{"stop_sequences": [1]}', "$.stop_sequences[0]"),
        (b'{"messages": [{"content": "a"}]}', "missing required field `role`"),
    ],
)
def test_a_malformed_body_is_400_and_names_the_field(proxy: Proxy, body: bytes, named: str) -> None:
    answer = proxy.call("POST", "/api/request", body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert named in answer.message
    assert proxy.service.asked == []


def test_a_body_may_have_16_mib_and_no_more(proxy: Proxy) -> None:
    most = b'{"prompt": "%s"}' % (b"a" * (MAX_BODY_BYTES - 14))
    assert proxy.call("POST", "/api/request", most).status == 200
    told = proxy.call("POST", "/api/request", most + b" ")
    untold = proxy.call("POST", "/api/request", most + b" ", CONTENT_LENGTH="")  # chunked
    for answer in (told, untold):
        assert (answer.status, answer.code) == (413, "request_too_large")
    unread: Json = {"CONTENT_LENGTH": str(MAX_BODY_BYTES + 1), "wsgi.input": UnreadableBody()}
    assert proxy.call("POST", "/api/request", **unread).status == 413


@pytest.mark.parametrize("kind", error_classes())
def test_each_error_has_its_status_and_code(proxy: Proxy, kind: type[BenchError]) -> None:
    proxy.service.error = kind.__new__(kind, SECRET)
    answer = proxy.call("POST", "/api/tokenize", b'{"text": ""}')
    assert (answer.status, answer.code) == (kind.status, kind.code)
    assert (SECRET in answer.message) == (not issubclass(kind, StorageError) and kind.status != 500)
    # … and becomes the same error again where it came from.
    error = to_error(answer.status, msgspec.convert(answer.body, ErrorAnswer).error)
    assert type(error) is kind
    assert answer.message in str(error)


def test_an_unknown_name_suggests_the_nearest(proxy: Proxy) -> None:
    proxy.service.error = UnknownNameError("model", "simple/modle1", ["simple/model1"])
    answer = proxy.call("POST", "/api/request", REQUEST)
    assert (answer.status, answer.code) == (400, "unknown_name")
    assert "did you mean 'simple/model1'?" in answer.message


def test_a_bug_is_told_to_the_log_only(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    proxy.service.error = ZeroDivisionError(SECRET)
    with caplog.at_level(logging.ERROR):
        answer = proxy.call("POST", "/api/request", REQUEST)
    assert (answer.status, answer.code) == (500, "internal_error")
    assert SECRET not in str(answer.body)
    assert "Traceback" not in str(answer.body)
    assert "Traceback" in caplog.text
    assert SECRET in caplog.text
    assert answer.headers["X-Request-Id"] in caplog.text
    assert "Traceback" not in answer.environ["wsgi.errors"].getvalue()


def test_an_error_of_a_newer_server_is_told_apart_by_its_status() -> None:
    info = ErrorInfo("new_code", "something new", "id")
    assert type(to_error(451, info)) is errors.InvalidRequestError
    assert type(to_error(500, info)) is BenchError
