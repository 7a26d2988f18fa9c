"""What is charged for an answer, and what becomes of a reservation."""

from pathlib import Path

import pytest

from common.authentication import Authentication
from common.errors import QuotaError, UnavailableError
from common.object_spec import ObjectSpec
from common.request import Message, Request, RequestResult, Sequence, Token, Usage
from proxy.accounts.account import TOKENIZERS_GROUP, Account
from proxy.accounts.accounts import Accounts
from proxy.accounts.rules import AccountRules
from proxy.deployments import ModelDeployment
from proxy.prices import Prices
from proxy.services.spending import meter, scope_of, spender, spent_by
from proxy.store.database import Database
from some_accounts import limited

GROUP = "group"
DEPLOYMENT = ModelDeployment(
    name="org/model", client_spec=ObjectSpec("unused"), prices=Prices(input=1.0, output=2.0)
)


def answer(text: str = "", num_tokens: int = 0, usage: Usage | None = None) -> RequestResult:
    tokens = [Token("t", 0.0)] * num_tokens
    sequence = Sequence(text, 0.0, tokens)
    return RequestResult(success=True, completions=[sequence], cached=False, usage=usage)


@pytest.mark.parametrize(
    ("request_", "result", "tokens"),
    [
        (Request(prompt="x" * 999), answer(usage=Usage(7, 5)), (7, 5)),
        (Request(), answer("yyyyy", usage=Usage(7, None)), (7, 2)),
        # Counted beside the prompt, and beside the completion, by some.
        (Request(), answer(usage=Usage(7, 5, cached_tokens=100)), (107, 5)),
        (Request(), answer(usage=Usage(7, 5, reasoning_tokens=100)), (7, 105)),
        (Request(), answer(usage=Usage(7, 5, cached_tokens=7, reasoning_tokens=5)), (7, 5)),
        # Nobody has counted.
        (Request(prompt="x" * 9), answer("y" * 99, num_tokens=3), (3, 3)),
        (Request(prompt="x" * 9), answer("yyyyy"), (3, 2)),
        (Request(prompt="x" * 9, echo_prompt=True), answer(num_tokens=5), (0, 5)),
        (Request(messages=[Message("user", "xxxxxx")]), answer(num_tokens=1), (2, 1)),
        (Request(embedding_input=["xxxx", "x"]), answer(), (2, 0)),
    ],
)
def test_what_an_answer_takes(
    request_: Request, result: RequestResult, tokens: tuple[int, int]
) -> None:
    spent = spent_by(request_, result, DEPLOYMENT)
    assert (spent.prompt_tokens, spent.completion_tokens) == tokens
    assert spent.cost == pytest.approx((tokens[0] + 2 * tokens[1]) / 1e6)


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(Database(f"sqlite:///{tmp_path}/proxy.sqlite"))


@pytest.fixture
def account(accounts: Accounts) -> Account:
    return limited(accounts, {GROUP: {"daily": 210}})


def used(accounts: Accounts, account: Account) -> int:
    return sum(
        row.prompt_tokens + row.completion_tokens for row in accounts.usage.rows(1, account.id)
    )


def test_a_call_is_charged_and_the_rest_let_go(accounts: Accounts, account: Account) -> None:
    request = Request(model="org/model", prompt="x" * 50, max_tokens=100)
    spend = spender(accounts.quotas, account, request, DEPLOYMENT, GROUP)
    for number in range(3):
        spend(lambda: answer(usage=Usage(5, 5)))
        assert used(accounts, account) == 10 * (number + 1)


def test_a_call_that_may_not_be_made_is_not(accounts: Accounts, account: Account) -> None:
    asked: list[None] = []

    def send() -> RequestResult:
        asked.append(None)
        return answer()

    request = Request(model="org/model", prompt="x" * 50, max_tokens=500)
    with pytest.raises(QuotaError):
        spender(accounts.quotas, account, request, DEPLOYMENT, GROUP)(send)
    assert not asked


def test_a_call_that_failed_is_free(accounts: Accounts, account: Account) -> None:
    def fail() -> RequestResult:
        raise UnavailableError("gone")

    request = Request(model="org/model", max_tokens=150)
    spend = spender(accounts.quotas, account, request, DEPLOYMENT, GROUP)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            spend(fail)
    assert used(accounts, account) == 0


def test_work_that_asks_no_model_has_quotas_too(accounts: Accounts) -> None:
    account = limited(accounts, {TOKENIZERS_GROUP: {"daily": 10}})
    metered = meter(accounts.quotas, account, TOKENIZERS_GROUP)
    assert (
        metered("org/tokenizer", 5, lambda: "a b c d", lambda text: len(text.split())) == "a b c d"
    )
    assert used(accounts, account) == 4
    with pytest.raises(QuotaError, match="daily quota for tokenizers"):
        metered("org/tokenizer", 7, lambda: pytest.fail("was asked"), lambda _: 0)
    [row] = accounts.usage.rows(1, account.id)
    assert (row.model, row.group, row.requests, row.cost) == ("org/tokenizer", "tokenizers", 1, 0)


def test_work_that_failed_is_free(accounts: Accounts) -> None:
    account = limited(accounts, {TOKENIZERS_GROUP: {"daily": 10}})
    metered = meter(accounts.quotas, account, TOKENIZERS_GROUP)

    def fail() -> None:
        raise UnavailableError("gone")

    for _ in range(3):
        with pytest.raises(UnavailableError):
            metered("org/tokenizer", 9, fail, lambda _: 9)
    assert used(accounts, account) == 0


def test_work_that_asks_no_model_is_not_denied_for_want_of_a_quota(tmp_path: Path) -> None:
    rules = AccountRules(deny_without_quota=True)
    accounts = Accounts(Database(f"sqlite:///{tmp_path}/proxy.sqlite"), rules=rules)
    account = accounts.authenticate(Authentication(accounts.create("anybody").api_key))
    metered = meter(accounts.quotas, account, TOKENIZERS_GROUP)
    assert metered("org/tokenizer", 1, lambda: 1, lambda _: 1) == 1


@pytest.mark.parametrize(
    ("scope", "first", "second", "is_shared"),
    [
        ("global", (), ("a",), True),
        ("account", ("a",), ("a",), False),
        ("group", ("a", "b"), ("b", "a"), True),
        ("group", ("a",), ("a", "b"), False),
        ("group", (), (), False),
    ],
)
def test_who_shares_answers(
    scope: str, first: tuple[str, ...], second: tuple[str, ...], is_shared: bool
) -> None:
    texts = {
        scope_of(
            Account(
                id=number, description="", is_admin=False, key_id=1, key_prefix="", groups=groups
            ),
            scope,
        )
        for number, groups in enumerate((first, second))
    }
    assert (len(texts) == 1) is is_shared
