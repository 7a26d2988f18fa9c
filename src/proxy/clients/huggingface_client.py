"""Client of models of the Hugging Face hub, which run in this process with transformers."""

import threading
import time
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import msgspec

from common.canonical_json import canonical_json, digest
from common.errors import DeadlineError, UnavailableError, UnsupportedFieldError
from common.request import Message, Request, RequestResult, Sequence, Usage
from proxy.clients.capabilities import Capabilities
from proxy.clients.client import Client, OnPiece, ProviderCall
from proxy.clients.huggingface_generation import Generated, Generation
from proxy.clients.huggingface_weights import Weights, WeightsSpec, load_weights
from proxy.clients.openai_stream import TextTeller
from proxy.clients.remote_answers import joined, outcome_of, sequence_of
from proxy.local_engine.protocol import CompletionBody

Load = Callable[[WeightsSpec], Weights]

_REFUSED = ("response_format", "reasoning", "tools", "tool_choice", "embedding_input")
_SEED_BYTES = 6  # whole numbers that every JSON reader keeps


class HuggingFaceClient(Client):
    """Completes prompts with weights that are loaded into this process on first use.

    Deployments of one model share them, and requests are answered one after the other: to serve
    many at a time, put vLLM or another OpenAI-compatible server in front. Log-probabilities are the
    model's own, before temperature, top_p and penalties; `echo_prompt` scores the prompt. The same
    request gets the same answer: without a seed, one is made of the request and its `random`.

    Args:
        model_name: Name on the hub, such as `EleutherAI/pythia-70m`, or a folder.
        revision: Branch, tag or commit on the hub.
        gguf_file: Name of a GGUF file in it, in place of the usual files.
        device: `cuda`, `cuda:1`, `mps`, `cpu`; `auto` takes the first that is there.
        dtype: Such as `bfloat16`; `auto` is that of the files.
        trust_remote_code: Whether code that comes with the model may run.
        load: Loads the weights.
    """

    max_in_flight = 1

    def __init__(
        self,
        model_name: str,
        revision: str | None = None,
        gguf_file: str | None = None,
        device: str = "auto",
        dtype: str = "auto",
        *,
        trust_remote_code: bool = False,
        load: Load = load_weights,
    ) -> None:
        self._spec = WeightsSpec(model_name, revision, gguf_file, device, dtype, trust_remote_code)
        self._load = load

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "class": "HuggingFaceClient",
            "model": self._spec.model_name,
            "revision": self._spec.revision,
            "gguf_file": self._spec.gguf_file,
            "dtype": self._spec.dtype,
        }

    @property
    def capabilities(self) -> Capabilities:
        refused: dict[str, Any] = dict.fromkeys(_REFUSED, "unsupported")
        return Capabilities(**refused, streams=True)

    def prepare(self, request: Request) -> ProviderCall:
        name = self._spec.model_name
        for field in _REFUSED:
            if getattr(request, field) is not None:
                raise UnsupportedFieldError(f"{field}: {name}, a local model, can't honour it")
        if request.echo_prompt and request.messages is not None:
            raise UnsupportedFieldError(f"echo_prompt: {name} echoes `prompt`, not `messages`")
        is_greedy = request.temperature == 0
        body = CompletionBody(
            prompt=request.prompt,
            messages=None if request.messages is None else _plain(request.messages, name),
            max_tokens=request.max_tokens,
            num_completions=1 if is_greedy else request.num_completions,
            temperature=request.temperature,
            top_p=1.0 if is_greedy else request.top_p,
            top_k_per_token=request.top_k_per_token,
            presence_penalty=request.presence_penalty,
            frequency_penalty=request.frequency_penalty,
            stop_sequences=[stop for stop in request.stop_sequences if stop],
            echo_prompt=request.echo_prompt,
            seed=None if is_greedy else request.seed,
        )
        if not is_greedy and request.seed is None:
            salt = digest(canonical_json([body, request.random]))
            body = msgspec.structs.replace(body, seed=int.from_bytes(salt[:_SEED_BYTES], "big"))
        # The likeliest tokens are the same each time, so they are asked for once.
        handling = {"num_completions": request.num_completions} if is_greedy else {}
        return ProviderCall(canonical_json(body), handling=handling, random=request.random)

    def send(
        self, call: ProviderCall, deadline: float, on_piece: OnPiece | None = None
    ) -> RequestResult:
        started, start = time.time(), time.monotonic()
        body = msgspec.json.decode(call.body, type=CompletionBody)
        generated = self._generate(body, deadline, on_piece)
        completions = [_with_prompt(body, generated, item) for item in generated.completions]
        completions *= call.handling.get("num_completions", 1)
        if on_piece is not None:
            # Copies have not been told yet.
            for place in range(body.num_completions, len(completions)):
                on_piece(place, completions[place].text)
        return RequestResult(
            success=True,
            completions=completions,
            cached=False,
            request_time=time.monotonic() - start,
            request_datetime=int(started),
            outcome=outcome_of(
                generated.completions, body.max_tokens, expects_stop=bool(body.stop_sequences)
            ),
            usage=Usage(generated.num_prompt_tokens, generated.num_tokens),
            served_model=self._spec.model_name,
        )

    def _generate(
        self, body: CompletionBody, deadline: float, on_piece: OnPiece | None
    ) -> Generated:
        name, shared = self._spec.model_name, _shared(self._load, self._spec)
        if not shared.lock.acquire(timeout=max(deadline - time.monotonic(), 0)):
            raise DeadlineError(f"{name} was busy with other requests until the deadline")
        try:
            tellers = _tellers(body, on_piece)

            def tell(number: int, text: str) -> None:
                if tellers:
                    tellers[number].add(text)

            generated = Generation(shared.weights, body, deadline, tell).run()
            for teller, sequence in zip(tellers, generated.completions, strict=False):
                teller.end(sequence.text)
            return generated
        except (RuntimeError, IndexError) as error:
            # torch's own, such as one for want of memory
            line = " ".join(str(error).split())[:300]
            raise UnavailableError(f"{name} failed: {line}") from error
        finally:
            shared.lock.release()


class _SharedWeights:
    """Weights and who may use them: one thread at a time, the first of which loads them."""

    def __init__(self, load: Load, spec: WeightsSpec) -> None:
        self._load, self._spec = load, spec
        self.lock = threading.Lock()

    @cached_property
    def weights(self) -> Weights:
        """The weights; wanted with the lock held only."""
        return self._load(self._spec)


@cache
def _shared(load: Load, spec: WeightsSpec) -> _SharedWeights:
    return _SharedWeights(load, spec)


def _tellers(body: CompletionBody, on_piece: OnPiece | None) -> list[TextTeller]:
    if on_piece is None:
        return []
    places = range(body.num_completions)
    if body.echo_prompt and body.prompt:
        for place in places:
            on_piece(place, body.prompt)
    return [TextTeller(on_piece, place, body.stop_sequences) for place in places]


def _with_prompt(body: CompletionBody, generated: Generated, completion: Sequence) -> Sequence:
    if not body.echo_prompt:
        return completion
    return joined(sequence_of(body.prompt, "unknown", generated.prompt), completion)


def _plain(messages: list[Message], name: str) -> list[Message]:
    """Messages of role and text, which is all that chat templates have in common."""
    for message in messages:
        if message.role == "tool" or message.tool_calls:
            raise UnsupportedFieldError(f"messages: {name}, a local model, calls no tools")
    try:
        return [Message(message.role, message.text) for message in messages]
    except ValueError as error:
        raise UnsupportedFieldError(f"messages: {error}; {name} reads text") from error
