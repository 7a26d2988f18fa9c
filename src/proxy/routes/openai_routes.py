"""`/v1/…`: OpenAI's API, so that its packages and all that is built on them can ask every model."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import bottle
import msgspec

from common.authentication import Authentication
from common.errors import InvalidRequestError, UnknownNameError
from common.request import RequestResult
from common.tokenization import DecodeRequest, TokenizationRequest
from proxy.routes import openai_chat_wire, openai_completions_wire
from proxy.routes.compatible import (
    KnownDeployments,
    checked,
    read_max_age,
    tell_cache,
)
from proxy.routes.openai_chat_stream import ChatEvents
from proxy.routes.openai_chat_wire import ChatRequest
from proxy.routes.openai_completions_stream import TextEvents
from proxy.routes.openai_completions_wire import CompletionRequest, Shown, as_prompts, keep_best
from proxy.routes.openai_embeddings_wire import (
    EmbeddingRequest,
    to_embeddings,
    to_model,
    to_models,
)
from proxy.routes.openai_wire import AskedBody, Head
from proxy.routes.streaming import OnPiece, stream
from proxy.routes.web import Context, authenticate, decode_body, json_answer, request_id

# Prompts of one call that are asked at the same time.
_NUM_THREADS = 16

_CHAT = msgspec.json.Decoder(ChatRequest)
_COMPLETION = msgspec.json.Decoder(CompletionRequest)
_EMBEDDING = msgspec.json.Decoder(EmbeddingRequest)

# Asks one prompt; is told its number and who is told the pieces, if anybody is.
_AskOne = Callable[[int, OnPiece | None], RequestResult]


def add_routes(app: bottle.Bottle, context: Context) -> None:
    """Add these routes to `app`."""
    routes = _Routes(context)
    app.route("/v1/chat/completions", "POST", routes.post_chat)
    app.route("/v1/completions", "POST", routes.post_completion)
    app.route("/v1/embeddings", "POST", routes.post_embedding)
    app.route("/v1/models", "GET", routes.get_models)
    app.route("/v1/models/<name:path>", "GET", routes.get_model)


class _Routes:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._service = context.service
        self._deployments = KnownDeployments(context.service)

    def post_chat(self) -> bytes | Iterator[bytes]:
        """Go on with a chat."""
        auth = authenticate(self._context)
        body = decode_body(_CHAT)
        self._context.groups.note(self._service, auth, body.model, body.deployment)
        max_tokens = body.asked_max_tokens
        if max_tokens is None:
            max_tokens = self._deployments.max_tokens(auth, body.model, body.deployment)
        request = body.to_request(read_max_age(), max_tokens)
        head = _head("chatcmpl", body)
        if not body.stream:
            result = checked(self._service.make_request(auth, request))
            tell_cache(is_hit=result.cached)
            return json_answer(openai_chat_wire.to_completion(head, result, body.num_candidates))

        def ask(on_piece: OnPiece) -> list[RequestResult]:
            # Pieces come without the logprobs of their tokens.
            live = on_piece if body.num_candidates is None else None
            return [checked(self._service.make_request(auth, request, live))]

        writer = ChatEvents(head, body.num_candidates, includes_usage=body.includes_usage)
        return stream(ask, writer)

    def post_completion(self) -> bytes | Iterator[bytes]:
        """Complete one prompt or several."""
        auth = authenticate(self._context)
        body = decode_body(_COMPLETION)
        self._context.groups.note(self._service, auth, body.model, body.deployment)
        prompts = self._as_texts(auth, body, as_prompts(body.prompt))
        max_age = read_max_age()
        requests = [body.to_request(prompt, max_age) for prompt in prompts]
        shown = Shown(prompts, body.num_choices, bool(body.echo), body.logprobs)
        head = _head("cmpl", body)

        def ask_one(number: int, on_piece: OnPiece | None) -> RequestResult:
            result = self._service.make_request(auth, requests[number], on_piece)
            return keep_best(body, checked(result))

        if not body.stream:
            results = _ask_all(ask_one, len(requests))
            tell_cache(is_hit=all(result.cached for result in results))
            return json_answer(openai_completions_wire.to_completion(head, results, shown))

        def ask(on_piece: OnPiece) -> list[RequestResult]:
            if body.logprobs is not None:
                # Pieces come without the logprobs of their tokens.
                return _ask_all(ask_one, len(requests))
            return _ask_all(ask_one, len(requests), on_piece, body.num_choices)

        return stream(ask, TextEvents(head, shown, includes_usage=body.includes_usage))

    def post_embedding(self) -> bytes:
        """Turn texts into vectors."""
        auth = authenticate(self._context)
        body = decode_body(_EMBEDDING)
        self._context.groups.note(self._service, auth, body.model, body.deployment)
        texts = self._as_texts(auth, body, as_prompts(body.input))
        request = body.to_request(texts, read_max_age())
        result = checked(self._service.make_request(auth, request))
        tell_cache(is_hit=result.cached)
        return json_answer(to_embeddings(body, result))

    def get_models(self) -> bytes:
        """List all models that can still be asked."""
        authenticate(self._context)
        models = self._service.get_general_info().all_models
        return json_answer(to_models([model for model in models if model.retired is None]))

    def get_model(self, name: str) -> bytes:
        """Tell one model."""
        authenticate(self._context)
        models = {model.name: model for model in self._service.get_general_info().all_models}
        if name not in models:
            raise UnknownNameError("model", name, models)
        return json_answer(to_model(models[name]))

    def _as_texts(
        self, auth: Authentication, body: AskedBody, prompts: list[str | list[int]]
    ) -> list[str]:
        """Return each prompt as a text; ids are those of the deployment's tokenizer."""
        return [
            prompt if isinstance(prompt, str) else self._decode(auth, body, prompt)
            for prompt in prompts
        ]

    def _decode(self, auth: Authentication, body: AskedBody, ids: list[int]) -> str:
        tokenizer = self._deployments.get(auth, body.model, body.deployment).tokenizer
        if tokenizer is None:
            raise InvalidRequestError(
                f"no tokenizer is known for {body.model}, so it takes texts and not token ids"
            )
        text = self._service.decode(auth, DecodeRequest(tokens=ids, tokenizer=tokenizer)).text
        # A model that is sent the text must see the tokens that were meant.
        again = TokenizationRequest(text=text, tokenizer=tokenizer, encode=True)
        if self._service.tokenize(auth, again).raw_tokens != ids:
            raise InvalidRequestError(
                f"the token ids {ids[:5]} … are no text that {tokenizer} splits in the same way: "
                "send the text instead"
            )
        return text


def _head(kind: str, body: AskedBody) -> Head:
    return Head(f"{kind}-{request_id()}", body.model, int(time.time()))


def _ask_all(
    ask_one: _AskOne, count: int, on_piece: OnPiece | None = None, num_choices: int = 1
) -> list[RequestResult]:
    """Ask all prompts, some at a time; the first failure is raised."""

    def ask(number: int) -> RequestResult:
        if on_piece is None:
            return ask_one(number, None)
        first = number * num_choices
        return ask_one(number, lambda place, text: on_piece(first + place, text))

    if count == 1:
        return [ask(0)]
    with ThreadPoolExecutor(min(count, _NUM_THREADS)) as pool:
        return list(pool.map(ask, range(count)))
