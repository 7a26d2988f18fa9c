"""The service in this process: deployments, cache and clients over one database."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from common.authentication import Authentication
from common.metering import Meter, unmetered
from common.object_spec import ObjectSpec, create_object
from common.request import Request, RequestResult
from common.tokenization import (
    DecodeRequest,
    DecodeRequestResult,
    TokenizationRequest,
    TokenizationRequestResult,
)
from common.toxicity import PerspectiveAPIRequest, PerspectiveAPIRequestResult
from common.version import VERSION
from proxy.accounts.account import TOKENIZERS_GROUP, TOXICITY_GROUP, Account
from proxy.clients.auto_client import AutoClient
from proxy.deployments import Deployments
from proxy.example_queries import EXAMPLE_QUERIES
from proxy.line import LINE
from proxy.services.service import DeploymentInfo, GeneralInfo, Service
from proxy.services.spending import meter, scope_of, spender
from proxy.settings import database_url, is_there_a_database
from proxy.tokenizers.answers import TokenizerAnswers
from proxy.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from proxy.accounts.accounts import Accounts
    from proxy.cache import Cache
    from proxy.metrics import Metrics
    from proxy.pacing.shares import Shares
    from proxy.store.database import Database
    from proxy.toxicity.toxicity_service import ToxicityService


class ServerService(Service):
    """Answers requests in this process.

    Args:
        base_path: Folder of database, models and settings.
        deployments: What can be asked, and where.
        database: Default: that of the installation, opened with the first request.
        accounts: Who may ask; None lets every caller do everything (a benchmark run in process).
        metrics: Where answers and calls are counted.
        timeout_seconds: Total time for one request to a provider, retries included.
    """

    def __init__(
        self,
        base_path: Path,
        deployments: Deployments,
        *,
        database: "Database | None" = None,
        accounts: "Accounts | None" = None,
        metrics: "Metrics | None" = None,
        timeout_seconds: float = 290,
    ) -> None:
        self._base_path = base_path
        self._deployments = deployments
        self._database = database
        self._accounts = accounts
        self._cache: Cache | None = None
        self._timeout_seconds = timeout_seconds
        self._shares: Shares | None = None
        self._client = AutoClient(
            base_path,
            self._open_cache,
            timeout_seconds,
            metrics,
            self._open_shares,
            # Who asks in this process has all the time; others go away.
            is_patient=accounts is None,
        )
        self._answers = TokenizerAnswers(self._tokenizer)
        self._toxicity: ToxicityService | None = None
        self._lock = threading.RLock()  # the first requests come from many threads at once

    def _open_database(self) -> "Database":
        # By name: SQLAlchemy takes 0.3 s to import, which a finished run need not wait for.
        with self._lock:
            if self._database is None:
                url = database_url(self._base_path)
                self._database = create_object(
                    ObjectSpec("proxy.store.database.Database", {"url": url})
                )
            return self._database

    def _open_cache(self) -> "Cache":
        if self._cache is None:
            with self._lock:
                if self._cache is None:
                    database = self._open_database()
                    self._cache = create_object(ObjectSpec("proxy.cache.Cache"), database=database)
        return self._cache

    def _open_shares(self) -> "Shares":
        if self._shares is None:
            with self._lock:
                if self._shares is None:
                    database = self._open_database()
                    self._shares = create_object(
                        ObjectSpec("proxy.pacing.shares.Shares"), database=database
                    )
        return self._shares

    def _open_toxicity(self) -> "ToxicityService":
        with self._lock:  # there is one, since it bounds the calls of all threads
            if self._toxicity is None:
                self._toxicity = create_object(
                    ObjectSpec("proxy.toxicity.toxicity_service.ToxicityService"),
                    database=self._open_database(),
                    base_path=self._base_path,
                    timeout_seconds=self._timeout_seconds,
                )
            return self._toxicity

    def close(self) -> None:
        if self._accounts is not None:
            self._accounts.close()
        if self._shares is not None:
            self._shares.close()
        if self._cache is not None:
            self._cache.close()
        if self._database is not None:
            self._database.close()

    def get_general_info(self) -> GeneralInfo:
        models = self._deployments.models
        return GeneralInfo(version=VERSION, example_queries=EXAMPLE_QUERIES, all_models=models)

    def get_deployment(
        self, auth: Authentication, model: str, deployment: str | None = None
    ) -> DeploymentInfo:
        self._authenticate(auth)
        found = self._deployments.get(model, deployment)
        length = found.max_sequence_length
        return DeploymentInfo(
            name=found.name,
            identity=self._client.identity(found),
            tokenizer=found.tokenizer_name,
            max_sequence_length=length,
            max_request_length=found.max_request_length or length,
            max_output_length=found.max_output_length,
            end_of_text_token=found.end_of_text_token,
            prefix_token=found.prefix_token,
            group=self._deployments.group_of(found),
            prices=found.prices,
            capabilities=self._client.capabilities(found),
        )

    def make_request(
        self,
        auth: Authentication,
        request: Request,
        on_piece: Callable[[int, str], None] | None = None,
    ) -> RequestResult:
        if self._accounts is None:
            deployment = self._deployments.get(request.model, request.deployment)
            return self._client.make_request(deployment, request, on_piece=on_piece)
        # A database elsewhere is waited for, by many at a time.
        with nullcontext() if self._accounts.database.is_concurrent else LINE.inside():
            return self._make_request_of(self._accounts, auth, request, on_piece)

    def _make_request_of(
        self,
        accounts: "Accounts",
        auth: Authentication,
        request: Request,
        on_piece: Callable[[int, str], None] | None,
    ) -> RequestResult:
        account = accounts.authenticate(auth)
        deployment = self._deployments.get(request.model, request.deployment)
        group = self._deployments.group_of(deployment)
        result = self._client.make_request(
            deployment,
            request,
            scope=scope_of(account, accounts.rules.cache_scope),
            account_id=account.id,
            spend=spender(accounts.quotas, account, request, deployment, group),
            on_piece=on_piece,
        )
        if result.cached:
            accounts.usage.count_hit(account.id, deployment.model, group)
        return result

    def is_stored(self, auth: Authentication, request: Request) -> bool | None:
        if self._accounts is not None:
            return None  # what others have asked is not to be found out
        is_there = self._database is not None or is_there_a_database(self._base_path)
        deployment = self._deployments.get(request.model, request.deployment)
        return is_there and self._client.is_stored(deployment, request)

    def tokenize(
        self, auth: Authentication, request: TokenizationRequest
    ) -> TokenizationRequestResult:
        account = self._authenticate(auth)
        result = self._answers.tokenize(request, self._meter(account, TOKENIZERS_GROUP))
        self._count_hit(account, request.tokenizer, TOKENIZERS_GROUP, is_hit=result.cached)
        return result

    def decode(self, auth: Authentication, request: DecodeRequest) -> DecodeRequestResult:
        account = self._authenticate(auth)
        result = self._answers.decode(request, self._meter(account, TOKENIZERS_GROUP))
        self._count_hit(account, request.tokenizer, TOKENIZERS_GROUP, is_hit=result.cached)
        return result

    def get_toxicity_scores(
        self, auth: Authentication, request: PerspectiveAPIRequest
    ) -> PerspectiveAPIRequestResult:
        account = self._authenticate(auth)
        result = self._open_toxicity().score(request, self._meter(account, TOXICITY_GROUP))
        self._count_hit(account, result.scorer, TOXICITY_GROUP, is_hit=result.cached)
        return result

    def _tokenizer(self, name: str) -> Tokenizer:
        return self._client.tokenizer(self._deployments.get_tokenizer(name))

    def _authenticate(self, auth: Authentication) -> Account | None:
        return None if self._accounts is None else self._accounts.authenticate(auth)

    def _meter(self, account: Account | None, group: str) -> Meter:
        if self._accounts is None or account is None:
            return unmetered
        return meter(self._accounts.quotas, account, group)

    def _count_hit(self, account: Account | None, name: str, group: str, *, is_hit: bool) -> None:
        if is_hit and self._accounts is not None and account is not None:
            self._accounts.usage.count_hit(account.id, name, group)
