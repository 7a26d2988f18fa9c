"""The pages as people use them: a real browser, a real `proxy-server`, a stand-in for providers."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from browser import log_in, new_page, open_browser, problems_of
from fake_provider import Behaviour, FakeProvider
from proxy_process import ProxyProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PHONE = {"width": 390, "height": 844}
PAGES = ("/", "/static/account.html", "/static/admin.html", "/static/help.html")

HOSTILE = (
    "</textarea><img src=x onerror='window.hacked=1'><script>window.hacked=1</script> "
    "\x1b[31mred\x1b[0m \u202ebackwards"
)
LONG = "x" * 300_000
# Words of prompts, and what the provider answers to them.
BEHAVIOUR = Behaviour(
    answers=[
        {"contains": "hostile", "text": HOSTILE},
        {"contains": "long", "text": LONG},
        {"contains": "sure", "text": " yes", "logprob_of": {" yes": -0.1, " no": -2.5}},
    ],
    faults=[{"kind": "400", "contains": "reject"}],
)
OCCUPATIONS = {
    "prompt": "A ${occupation} is someone who",
    "settings": "model: ${model}\ntemperature: 0\ntop_k_per_token: 3",
    "environments": "occupation: [mathematician, lawyer, doctor]\nmodel: [test/model, test/chat]",
}


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _usual_behaviour(provider: FakeProvider) -> None:
    provider.set(BEHAVIOUR)
    provider.reset()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def proxy(
    browser: "Browser", provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProxyProcess]:
    process = ProxyProcess(tmp_path_factory.mktemp("pages"))
    process.deploy("test/model", provider.url)
    process.deploy("test/chat", provider.url, api="chat")
    with process as running:
        yield running


@pytest.fixture
def page(browser: "Browser", proxy: ProxyProcess) -> Iterator["Page"]:
    """A page of a browser that is logged in as the administrator."""
    page = new_page(browser, proxy.url)
    log_in(page, proxy)
    yield page
    assert problems_of(page) == []
    page.context.close()


def open_playground(page: "Page", **texts: str) -> None:
    page.goto(f"/?{urlencode(texts)}")
    page.wait_for_function(
        "() => document.querySelector('#account-button').title.includes('in with')"
    )


def run(page: "Page", num_rows: int) -> None:
    """Press Ctrl+Enter, and wait until all rows are answered."""
    page.locator("#settings").press("Control+Enter")
    page.wait_for_function(
        "n => document.querySelectorAll('tr.line').length === n"
        " && !document.querySelector('.skeleton') && !document.querySelector('#run').disabled",
        arg=num_rows,
    )


def texts_of(page: "Page") -> dict[str, str]:
    return {name: page.locator(f"#{name}").input_value() for name in OCCUPATIONS}


# --- Who asks -----------------------------------------------------------------------------------


def test_logging_in_with_a_key_that_scripts_never_see_again(
    browser: "Browser", proxy: ProxyProcess
) -> None:
    page = new_page(browser, proxy.url)
    page.goto("/")
    page.locator("#account-button").click()
    field = page.get_by_label("API key")
    field.fill("lmb-wrong")
    field.press("Enter")
    page.get_by_role("alert").filter(has_text="request").wait_for()
    field.fill(proxy.auth.api_key)
    field.press("Enter")
    page.locator("dialog").wait_for(state="detached")
    assert "…" in (page.locator("#account-button").get_attribute("title") or "")
    kept = page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie,"
        " document.documentElement.outerHTML])"
    )
    assert proxy.auth.api_key not in kept
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.reload()
    page.locator("#account-button[title*='Logged in']").click()
    page.get_by_role("button", name="Log out").click()
    page.locator("#account-button[title='Log in with an API key']").wait_for()
    assert problems_of(page) == []


def test_running_without_a_key_asks_for_one(browser: "Browser", proxy: ProxyProcess) -> None:
    page = new_page(browser, proxy.url)
    page.goto("/?prompt=a&settings=model:simple/model1")
    page.locator("#run").click()
    page.get_by_label("API key").fill(proxy.auth.api_key)
    page.get_by_label("API key").press("Enter")
    page.locator("tr.line .mark.good").wait_for()
    assert problems_of(page) == []


# --- The playground -----------------------------------------------------------------------------


def test_a_query_with_variables_shows_a_row_for_each_request(
    page: "Page", provider: FakeProvider
) -> None:
    open_playground(page, **OCCUPATIONS)
    assert page.locator("#run-count").inner_text() == "6 requests"
    run(page, 6)
    assert provider.counters().requests == 6

    def titles() -> list[str]:
        return [text.strip() for text in page.locator("tbody.group").all_inner_texts()]

    assert titles() == ["model test/model", "model test/chat"]
    page.locator("#group-by").select_option("occupation")
    assert titles() == [*("occupation mathematician", "occupation lawyer", "occupation doctor")]
    assert page.locator("tr.line").count() == 6
    run(page, 6)
    assert page.locator(".tag", has_text="cached").count() == 6
    assert provider.counters().requests == 6
    page.locator("#summary", has_text="6 from the cache").wait_for()


def test_the_address_holds_the_query_and_back_brings_the_last_one(page: "Page") -> None:
    open_playground(page)
    page.locator("#prompt").fill("first")
    page.locator("#settings").fill("model: simple/model1")
    run(page, 1)
    page.locator("#prompt").fill("second ${x}")
    page.locator("#environments").fill("x: [1, 2]")
    run(page, 2)
    second = {"prompt": "second ${x}", "settings": "model: simple/model1"}
    second["environments"] = "x: [1, 2]"
    kept = parse_qs(urlsplit(page.url).query, keep_blank_values=True)
    assert {name: values[0] for name, values in kept.items()} == second
    page.go_back()
    assert texts_of(page)["prompt"] == "first"
    assert texts_of(page)["environments"] == ""
    page.go_forward()
    page.reload()
    assert texts_of(page) == second


def test_fields_and_text_are_two_views_of_the_settings(page: "Page") -> None:
    open_playground(page, settings="# a note\nmodel: simple/model1\nstop_sequences: [\\n, .]")
    assert page.locator("#field-model").input_value() == "simple/model1"
    assert page.locator("#field-stop_sequences").input_value() == "\\n\n."
    page.locator("#field-temperature").fill("0.5")
    page.locator("#field-echo_prompt").check()
    page.locator("#field-stop_sequences").fill("END")
    assert texts_of(page)["settings"] == (
        '# a note\nmodel: simple/model1\nstop_sequences: ["END"]\ntemperature: 0.5\n'
        "echo_prompt: true"
    )
    page.locator("#field-temperature").fill("")
    page.locator("#field-echo_prompt").uncheck()
    page.locator("#settings").fill("max_tokens: ${m}\nnum_completions = 3  # three")
    assert page.locator("#field-max_tokens").input_value() == "${m}"
    assert page.locator("#field-num_completions").input_value() == "3"
    assert page.locator("#environments-problem").inner_text().startswith("No values for m")


def test_the_field_at_fault_is_marked(page: "Page") -> None:
    open_playground(page, prompt="a", settings="model: simple/model1")
    page.locator("#field-temperature").fill("-1")
    assert page.locator("#field-temperature-problem").inner_text() == "at least 0"
    page.locator("#settings").press("Control+Enter")
    page.wait_for_function(
        "() => document.querySelector('#settings-problem').textContent.includes('temperature')"
    )
    assert page.locator("#field-temperature[aria-invalid]").count() == 1
    page.locator("#settings").fill("model: [")
    assert "line 1" in page.locator("#settings-problem").inner_text()


def test_a_model_is_picked_by_a_part_of_its_name(page: "Page") -> None:
    open_playground(page)
    field = page.locator("#field-model")
    field.fill("ple/mod")
    page.get_by_role("option", name="simple/model1").wait_for()
    field.press("ArrowDown")
    field.press("Enter")
    assert "model: simple/model1" in texts_of(page)["settings"]


def test_candidates_show_for_the_token_under_pointer_or_focus(page: "Page") -> None:
    settings = "model: test/model\ntop_k_per_token: 2\nmax_tokens: 5"
    open_playground(page, prompt="are you sure?", settings=settings)
    run(page, 1)
    token = page.locator("tr.line .token").first
    token.hover()
    listed = page.locator("#candidates li").all_inner_texts()
    assert [" ".join(text.split()) for text in listed] == [
        *('" yes" −0.10 90 % chosen', '" no" −2.50 8.2 %')
    ]
    page.mouse.move(0, 0)
    page.locator("tr.line").focus()
    page.keyboard.press("Tab")
    assert "log-probability −0.10" in str(page.evaluate("document.activeElement.ariaLabel"))


def test_what_a_model_answers_is_text_only(page: "Page") -> None:
    open_playground(page, prompt="hostile", settings="model: test/model\nmax_tokens: 500")
    run(page, 1)
    shown = page.locator("tr.line .completion").inner_text()
    assert "</textarea><img src=x onerror='window.hacked=1'><script>" in shown
    assert "\\x1b[31mred" in shown
    assert "\\u202ebackwards" in shown
    page.locator("tr.line").press("Enter")
    page.locator("tr.details summary", has_text="Result").click()
    assert page.locator("tr.details pre", has_text="onerror").count() == 1
    assert page.evaluate("window.hacked") is None


def test_a_long_answer_is_cut_in_the_view(page: "Page") -> None:
    settings = "model: test/model\ntop_k_per_token: 0\nmax_tokens: 500"
    open_playground(page, prompt="long", settings=settings)
    run(page, 1)
    cell = page.locator("tr.line .completion")
    assert len(cell.inner_text()) < 1000
    cell.get_by_role("button", name=re.compile("of 299,700 more")).click()
    cell.get_by_role("button", name="Show all (99,700 characters more)").click()
    assert cell.inner_text() == LONG


def test_many_requests_are_sent_only_after_a_yes(page: "Page", provider: FakeProvider) -> None:
    values = ", ".join(map(str, range(51)))
    open_playground(
        page, prompt="many ${x}", settings="model: test/model", environments=f"x: [{values}]"
    )
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.locator("#settings").press("Control+Enter")
    page.wait_for_function("() => !document.querySelector('#run').disabled")
    assert asked == ["Send 51 requests?"]
    assert provider.counters().requests == 0
    page.once("dialog", lambda dialog: dialog.accept())
    run(page, 51)
    assert provider.counters().requests == 51
    assert 1 <= provider.counters().max_in_flight <= 4


def test_cancelling_asks_no_more(page: "Page", provider: FakeProvider) -> None:
    provider.set(Behaviour(latency_seconds=0.5))
    values = ", ".join(map(str, range(40)))
    open_playground(
        page, prompt="slow ${x}", settings="model: test/model", environments=f"x: [{values}]"
    )
    page.locator("#settings").press("Control+Enter")
    page.locator(".skeleton.busy").first.wait_for()
    page.locator("#cancel").click()
    page.wait_for_function("() => !document.querySelector('#run').disabled")
    assert page.locator("td", has_text="cancelled").count() == 40
    assert provider.counters().requests <= 4


def test_a_failed_request_says_why_and_can_be_asked_again(
    page: "Page", provider: FakeProvider
) -> None:
    open_playground(page, prompt="reject", settings="model: test/model")
    run(page, 1)
    failure = page.locator("tr.line .completion .bad").inner_text()
    assert re.search(r"\(request [0-9a-f]{32}\)", failure)
    assert page.locator("tr.line .mark.bad").inner_text() == "error"
    assert "1 failed" in page.locator("#announce").inner_text()
    provider.set(Behaviour())
    page.locator("tr.line").press("Enter")
    page.get_by_role("button", name="Ask again").click()
    page.locator("tr.line .mark.good").wait_for()


def test_a_request_is_copied_without_a_key(page: "Page", proxy: ProxyProcess) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_playground(page, prompt="it's", settings="model: simple/model1\nstop_sequences: [.]")
    run(page, 1)
    page.locator("tr.line").press("Enter")
    copies = {}
    for form in ("curl", "Python", "JSON"):
        page.get_by_role("button", name=f"Copy as {form}").click()
        page.get_by_role("button", name="Copied").wait_for()
        copies[form] = page.evaluate("navigator.clipboard.readText()")
        page.get_by_role("button", name="Copied").wait_for(state="detached")
    request = {"model": "simple/model1", "prompt": "it's", "stop_sequences": ["."]}
    assert json.loads(copies["JSON"]) == request
    assert f"{proxy.url}/api/request" in copies["curl"]
    assert "it'\\''s" in copies["curl"]
    compile(copies["Python"], "copied", "exec")
    assert 'stop=["."]' in copies["Python"]
    assert proxy.auth.api_key not in str(copies)


def test_examples_fill_the_editor_and_runs_are_remembered(page: "Page") -> None:
    open_playground(page)
    page.locator("#examples summary").click()
    page.locator("#examples button").nth(3).click()
    assert texts_of(page)["prompt"] != ""
    page.locator("#prompt").fill("to remember")
    page.locator("#settings").fill("model: simple/model1")
    page.locator("#environments").fill("")
    run(page, 1)
    page.goto("/")
    page.locator("#history summary").click()
    page.locator("#history button").first.click()
    assert texts_of(page)["prompt"] == "to remember"


# --- Chat ---------------------------------------------------------------------------------------


def test_a_chat_streams_and_runs_again_from_an_edited_turn(
    page: "Page", provider: FakeProvider
) -> None:
    open_playground(page, mode="chat", settings="model: test/chat\nmax_tokens: 40")
    page.locator("#chat-input").fill("hello")
    page.locator("#chat-input").press("Control+Enter")
    answer = page.locator(".turn-assistant .turn-text")
    page.locator(".turn-tools .small", has_text="tokens").wait_for()
    first = answer.inner_text()
    assert first
    page.locator("#chat-input").fill("and now?")
    page.get_by_role("button", name="Send").click()
    page.locator(".turn").nth(3).locator(".small", has_text="tokens").wait_for()
    asked = provider.last()[-1].body
    assert [message["role"] for message in asked["messages"]] == ["user", "assistant", "user"]
    assert asked["messages"][1]["content"] == first

    page.reload()
    assert page.locator(".turn").count() == 4
    page.locator(".turn").first.get_by_role("button", name="Edit").click()
    page.get_by_label("Text of the user").fill("goodbye")
    page.get_by_label("Text of the user").press("Control+Enter")
    page.locator(".turn-tools .small", has_text="tokens").wait_for()
    assert page.locator(".turn").count() == 2
    assert provider.last()[-1].body["messages"] == [{"role": "user", "content": "goodbye"}]


def test_a_chat_that_fails_says_why(page: "Page") -> None:
    open_playground(page, mode="chat", settings="model: test/chat")
    page.locator("#chat-input").fill("reject")
    page.locator("#chat-input").press("Control+Enter")
    page.locator(".turn-tools .bad", has_text="(request ").wait_for()


# --- Account and administration -----------------------------------------------------------------


def test_the_account_page_shows_usage_and_a_new_key_once(page: "Page") -> None:
    open_playground(page, prompt="usage", settings="model: test/model")
    run(page, 1)
    page.goto("/static/account.html")
    page.get_by_role("rowheader", name="test", exact=True).wait_for()
    page.locator(".plot rect").first.wait_for()
    made = page.request.post("/api/account", data={"description": "rotates"}).json()
    page.request.post("/api/session", data={"api_key": made["api_key"]})
    page.reload()
    page.get_by_role("heading", name="rotates").wait_for()
    page.get_by_role("button", name="Replace my key").click()
    key = page.get_by_label("New API key").last.input_value()
    assert key.startswith("lmb-")
    page.get_by_role("button", name="Close").click()
    page.locator("dialog").wait_for(state="detached")
    page.get_by_text(key[:12]).wait_for()
    assert key not in page.content()
    page.goto("/static/admin.html")
    page.get_by_text("this account is none").wait_for()


def test_an_administrator_makes_changes_and_ends_accounts(page: "Page") -> None:
    page.goto("/static/admin.html")
    page.get_by_role("button", name="New account").click()
    page.get_by_label("Name", exact=True).fill("<b>Grace</b>")
    page.get_by_label("E-mail").fill("grace@example.org, g@example.org")
    page.get_by_role("button", name="Make the account").click()
    assert page.get_by_label("New API key").last.input_value().startswith("lmb-")
    page.get_by_role("button", name="Close").click()
    row = page.get_by_role("row", name="<b>Grace</b>")
    row.get_by_role("button", name="Edit").click()
    page.get_by_label("gpt3, daily, tokens").fill("123")
    page.get_by_label("gpt3, monthly, dollars").fill("4.5")
    page.get_by_role("button", name="Save").click()
    page.locator("dialog").wait_for(state="detached")
    accounts = page.request.get("/api/account?all=true").json()
    [grace] = [account for account in accounts if account["description"] == "<b>Grace</b>"]
    assert grace["emails"] == ["grace@example.org", "g@example.org"]
    assert grace["usages"]["gpt3"]["daily"]["quota"] == 123
    assert grace["usages"]["gpt3"]["monthly"]["cost_quota"] == 4.5

    row.get_by_role("button", name="Edit").click()
    end = page.get_by_role("button", name="End the account")
    assert end.is_disabled()
    page.get_by_label("Name of the account").fill("<b>Grace</b>")
    end.click()
    page.locator("dialog").wait_for(state="detached")
    page.get_by_role("tab", name="Usage").click()
    page.get_by_label("By", exact=False).first.wait_for()
    page.get_by_role("tab", name="Audit log").click()
    page.locator("#audit tbody tr").nth(2).wait_for()
    assert "tab=audit" in page.url


# --- All pages ----------------------------------------------------------------------------------


def test_the_help_is_made_of_what_the_server_says(page: "Page", proxy: ProxyProcess) -> None:
    page.goto("/static/help.html?q=test/")
    page.locator("#models-table tbody tr", has_text="test/chat").wait_for()
    assert page.locator("#models-table tbody tr").count() == 2
    page.locator("#routes-table", has_text="POST /api/request").wait_for()
    assert proxy.url in page.locator("#examples").inner_text()
    assert page.locator("#quotas").count() == page.locator("#query").count() == 1


def test_the_theme_follows_the_system_until_it_is_chosen(
    browser: "Browser", proxy: ProxyProcess
) -> None:
    page = new_page(browser, proxy.url, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto("/")
    assert page.evaluate(ground) == "rgb(21, 21, 24)"
    page.locator("#theme-button").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.goto("/static/help.html")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.locator("#theme-button").click()
    assert page.evaluate(ground) == "rgb(21, 21, 24)"


def test_keys_lead_everywhere(page: "Page") -> None:
    open_playground(page, **OCCUPATIONS)
    run(page, 6)
    page.locator("h1").click(force=True)
    page.locator("body").press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    place = "[...document.querySelectorAll('tr.line')].indexOf(document.activeElement)"
    assert page.evaluate(place) == 0
    page.keyboard.press("Enter")
    page.locator("tr.details").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name=re.compile("Search")).fill("help")
    page.get_by_role("option", name="Help").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/static/help.html")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_names_its_controls(
    browser: "Browser", proxy: ProxyProcess, path: str
) -> None:
    page = new_page(browser, proxy.url, viewport=PHONE)
    log_in(page, proxy)
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator("#menu-button").click()
    page.get_by_role("link", name="Help", exact=True).first.wait_for()
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, textarea, select, button')].filter(node =>"
        " !node.labels?.length && !node.ariaLabel && !node.textContent.trim())"
        ".map(node => node.outerHTML)"
    )
    assert unnamed == []
    assert problems_of(page) == []
