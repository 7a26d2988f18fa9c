"""`/v1/messages`: Anthropic's API, so that its packages and all that is built on them can ask."""

from collections.abc import Iterator

import bottle
import msgspec

from common.request import RequestResult
from proxy.routes.anthropic_answers import MessageEvents, to_message
from proxy.routes.anthropic_wire import MessagesRequest
from proxy.routes.compatible import checked, read_max_age, tell_cache
from proxy.routes.streaming import OnPiece, stream
from proxy.routes.web import Context, authenticate, decode_body, json_answer, request_id

_MESSAGES = msgspec.json.Decoder(MessagesRequest)


def add_routes(app: bottle.Bottle, context: Context) -> None:
    """Add these routes to `app`."""

    def post_messages() -> bytes | Iterator[bytes]:
        """Go on with a chat."""
        auth = authenticate(context)
        body = decode_body(_MESSAGES)
        context.groups.note(context.service, auth, body.model, body.deployment)
        request = body.to_request(read_max_age())
        message_id, shows_thinking = f"msg_{request_id()}", body.shows_thinking
        if not body.stream:
            result = checked(context.service.make_request(auth, request))
            tell_cache(is_hit=result.cached)
            return json_answer(
                to_message(message_id, body.model, result, shows_thinking=shows_thinking)
            )

        def ask(on_piece: OnPiece) -> list[RequestResult]:
            # Reasoning comes before the text, and is known at the end only.
            live = None if shows_thinking else on_piece
            return [checked(context.service.make_request(auth, request, live))]

        return stream(ask, MessageEvents(message_id, body.model, shows_thinking=shows_thinking))

    app.route("/v1/messages", "POST", post_messages)
