"""`/api/request` and what goes with it: models, deployments and tokenizers."""

import bottle
import msgspec

from common.errors import InvalidRequestError
from common.request import Request
from common.tokenization import DecodeRequest, TokenizationRequest
from proxy.accounts.account import TOKENIZERS_GROUP
from proxy.routes.limit_headers import note_group
from proxy.routes.web import Context, authenticate, decode_body, error_of, json_answer

_REQUEST = msgspec.json.Decoder(Request)
_TOKENIZATION_REQUEST = msgspec.json.Decoder(TokenizationRequest)
_DECODE_REQUEST = msgspec.json.Decoder(DecodeRequest)


def add_routes(app: bottle.Bottle, context: Context) -> None:
    """Add these routes to `app`."""
    routes = _Routes(context)
    app.route("/healthz", "GET", routes.get_health)
    app.route("/api/general_info", "GET", routes.get_general_info)
    app.route("/api/deployment", "GET", routes.get_deployment)
    app.route("/api/request", "POST", routes.post_request)
    app.route("/api/tokenize", "POST", routes.post_tokenize)
    app.route("/api/decode", "POST", routes.post_decode)


class _Routes:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._service = context.service

    def get_health(self) -> bytes:
        """Say that this process answers. No key is needed."""
        bottle.response.content_type = "text/plain; charset=utf-8"
        return b"ok\n"

    def get_general_info(self) -> bytes:
        """Version, examples and models. No key is needed."""
        return json_answer(self._service.get_general_info())

    def get_deployment(self) -> bytes:
        """What a run needs to know of the deployment that serves `?model=`."""
        auth = authenticate(self._context)
        model = bottle.request.query.getunicode("model")
        if not model:
            raise InvalidRequestError("say which model: /api/deployment?model=NAME")
        deployment = bottle.request.query.getunicode("deployment")
        return json_answer(self._service.get_deployment(auth, model, deployment))

    def post_request(self) -> bytes:
        """Ask a model. Body: Request; answer: RequestResult."""
        auth = authenticate(self._context)
        request = decode_body(_REQUEST)
        self._context.groups.note(self._service, auth, request.model, request.deployment)
        result = self._service.make_request(auth, request)
        if result.outcome == "error":
            error = error_of(result)
            raise bottle.HTTPError(error.status, result, error)
        return json_answer(result)

    def post_tokenize(self) -> bytes:
        """Split a text. Body: TokenizationRequest; answer: TokenizationRequestResult."""
        auth = authenticate(self._context)
        note_group(TOKENIZERS_GROUP)
        return json_answer(self._service.tokenize(auth, decode_body(_TOKENIZATION_REQUEST)))

    def post_decode(self) -> bytes:
        """Turn token ids into text. Body: DecodeRequest; answer: DecodeRequestResult."""
        auth = authenticate(self._context)
        note_group(TOKENIZERS_GROUP)
        return json_answer(self._service.decode(auth, decode_body(_DECODE_REQUEST)))
