"""`/api/toxicity`: texts to scores."""

import bottle
import msgspec

from common.toxicity import PerspectiveAPIRequest
from proxy.accounts.account import TOXICITY_GROUP
from proxy.routes.limit_headers import note_group
from proxy.routes.web import Context, authenticate, decode_body, json_answer

_REQUEST = msgspec.json.Decoder(PerspectiveAPIRequest)


def add_routes(app: bottle.Bottle, context: Context) -> None:
    """Add the route to `app`."""

    def post_toxicity() -> bytes:
        """Score texts. Body: PerspectiveAPIRequest; answer: PerspectiveAPIRequestResult."""
        auth = authenticate(context)
        note_group(TOXICITY_GROUP)
        return json_answer(context.service.get_toxicity_scores(auth, decode_body(_REQUEST)))

    app.route("/api/toxicity", "POST", post_toxicity)
