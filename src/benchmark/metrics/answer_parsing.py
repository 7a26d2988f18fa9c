"""Answers read out of what a model says, where it does not say the bare answer.

The rules are in docs/chat_models.md; a change of them changes scores.
"""

import re
import string
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

_THOUGHTS = re.compile(r"<(think|thinking|thought)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHTS = re.compile(r"</(?:think|thinking|thought)>", re.IGNORECASE)
_MACRO = re.compile(r"\\(?:text|textbf|mathbf|mathrm|mathit)\s*\{([^{}]*)\}")
_BOX = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_MARKUP = str.maketrans("", "", "*`$#>")
_PUNCTUATION = string.punctuation + string.whitespace

# Behind each of these stands what is answered, up to the end of the line.
_CUES = re.compile(
    r"\banswer\b(?:[^.\n:=]{0,60}?\b(?:is|was|would be|should be|must be)\b|[ \t]*[:=])"
    r"|\b(?:correct|right|best)\s+(?:choice|option)\s*(?:\bis\b|[:=])"
    r"|\b(?:choose|chose|pick|select|go with|going with|opt for)\b",
    re.IGNORECASE,
)
# "(B) is correct"; a capital, since "a is" is found in many texts.
_IS_RIGHT = re.compile(
    r"(?<![\w'])\(?([A-Z])\)?\s+is\s+(?:the\s+|most\s+)?(?:correct|right|best|likely|true)\b"
)
_NOT = re.compile(r"(?:\b(?:not|never|cannot|nor|neither|if|whether)|n't)\W+(?:\w+\W+)?$", re.I)
_REACH_OF_NOT = 40

_LETTER = re.compile(
    r"\W*(?:(?:option|choice|letter)\s+)?([(\[{\"']*)([A-Za-z])([)\]}\"']*)(?![\w'’])", re.I
)
_ANOTHER = re.compile(r"\W*(?:and|or|/|,|&)\W*(?:(?:option|choice)\s+)?\(?([A-Z])\)?(?!\w)")
_UP_TO_ANSWER = re.compile(r"[\s:=*`$#>]+")
# What may follow "The answer is A" where A is no article.
_GOES_ON = re.compile(r"\s*(?:$|[.,;:!?)\]-]|(?:because|since|as|and|or|for|which|due)\b)")
_BARE_LINE = re.compile(r"(?:(?:option|choice)\s+)?[(\[]?([A-Za-z])[)\]]?[.:!]?", re.I)
_MARKED_LINE = re.compile(r"[(\[]?([A-Z])(?:[)\].:]|\s+[-–—])\s+(\S.*)")
_MARK = re.compile(r"(?<![\w.])\(?([A-Z])[).](?=\s|$)")

_NUMBER = re.compile(r"[-+]?\s*[$€£]?\s*(-?\d[\d,]*(?:\.\d+)?)\s*%?(?:\s+[^\d=+*/-]*)?")
_FINAL_CUES = re.compile(
    r"####|\b(?:answer)\b(?:[^.\n:=]{0,60}?\b(?:is|was|would be|should be)\b|[ \t]*[:=])",
    re.IGNORECASE,
)


# What is named as an answer is short, whatever follows it.
_MAX_ANSWER = 1000


def without_thoughts(text: str) -> str:
    """Return `text` without what stands between thinking marks; one that is not closed goes on."""
    text = _THOUGHTS.sub("", text)
    # Some templates begin the thoughts themselves, so that only their end is in the answer.
    return _END_OF_THOUGHTS.split(text)[-1].strip()


def _line_at(text: str, place: int) -> str:
    """The rest of the line, or the next line where that is empty."""
    match = _UP_TO_ANSWER.match(text, place, place + _MAX_ANSWER)
    start = match.end() if match else place
    return text[start : start + _MAX_ANSWER].split("\n", maxsplit=1)[0]


# --- Letters ------------------------------------------------------------------------------------


def read_letter(text: str, choices: Mapping[str, str]) -> str | None:
    """Return the letter that `text` chooses; None where it chooses none, or more than one.

    Args:
        choices: Letter → the text of the choice.
    """
    text = unicodedata.normalize("NFKC", without_thoughts(text))
    text = _BOX.sub(r" answer: \1 \n", _MACRO.sub(r"\1", text)).translate(_MARKUP).strip()
    if not text:
        return None
    said = sorted(_statements(text, choices))
    if said:
        return said[-1][1] or None  # what is said last counts
    return _letter_of_lines(text, choices) or _letter_of_text(text, choices)


def _statements(text: str, choices: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield where a letter is said to be the answer, and which; "" where it is more than one."""
    for cue in _CUES.finditer(text):
        if _is_denied(text, cue.start()):
            continue
        found = _letter_behind_cue(_line_at(text, cue.end()), choices)
        if found is not None:
            yield cue.end(), found
    for match in _IS_RIGHT.finditer(text):
        if match[1] in choices and not _is_denied(text, match.start()):
            yield match.start(), match[1]


def _is_denied(text: str, place: int) -> bool:
    """Whether what is said at `place` is said not to be so, or only supposed."""
    return bool(_NOT.search(text[max(0, place - _REACH_OF_NOT) : place]))


def _letter_behind_cue(rest: str, choices: Mapping[str, str]) -> str | None:
    by_text = _letter_of_text(rest, choices)
    if by_text is not None:
        return by_text
    match = _LETTER.match(rest)
    if match is None or match[2].upper() not in choices:
        return None
    is_enclosed = bool(match[1] and match[3])
    after = rest[match.end() :]
    is_article = match[2] in "aAI" or match[2].islower()
    if is_article and not is_enclosed and not _GOES_ON.match(after):
        return None
    another = _ANOTHER.match(after)
    if another is not None and another[1] in choices and another[1] != match[2].upper():
        return ""
    return match[2].upper()


def _letter_of_lines(text: str, choices: Mapping[str, str]) -> str | None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    bare = [
        match[1].upper()
        for line in {0: lines[0], 1: lines[-1]}.values()
        if (match := _BARE_LINE.fullmatch(line)) and match[1].upper() in choices
    ]
    if bare:
        return bare[0] if len(set(bare)) == 1 else None
    marked = set()
    for line in lines:
        match = _MARKED_LINE.fullmatch(line)
        if match is not None and match[1] in choices:
            rest = match[2]
            if rest.casefold().startswith(choices[match[1]].casefold()):
                rest = rest[
                    len(choices[match[1]]) :
                ]  # a choice may look like a mark itself: "D.C."
            marked |= {match[1], *(mark for mark in _MARK.findall(rest) if mark in choices)}
    return marked.pop() if len(marked) == 1 else None


def _letter_of_text(text: str, choices: Mapping[str, str]) -> str | None:
    said = _plain(text)
    found = [letter for letter, choice in choices.items() if said and _plain(choice) == said]
    return found[0] if len(found) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(_PUNCTUATION)


# --- Free text ----------------------------------------------------------------------------------


def read_final_answer(text: str, stop_sequences: Sequence[str] = ()) -> str:
    """Return what `text` names as its answer, without markup, units and the final full stop.

    It is what stands in the last box, or behind the last "answer is", "Answer:" or "####"; without
    any of these all of the text, up to the first stop sequence.

    Args:
        stop_sequences: Those that end an answer where it is not parsed.
    """
    text = without_thoughts(text)
    boxes = _BOX.findall(_MACRO.sub(r"\1", text))
    if boxes:
        return _tidy(boxes[-1])
    last = ""
    for cue in _FINAL_CUES.finditer(text):
        line = _line_at(text, cue.end()).translate(_MARKUP).strip()
        last = line or last
    if last:
        return _tidy(last)
    ends = [end for stop in stop_sequences if stop and (end := text.find(stop)) >= 0]
    return text[: min(ends)].strip() if ends else text


def _tidy(answer: str) -> str:
    answer = answer.translate(_MARKUP).strip().strip("\"'“”‘’ ").rstrip(".!").strip()
    number = _NUMBER.fullmatch(answer)
    if number is None:
        return answer
    digits = number[1].replace(",", "")
    if answer.lstrip().startswith("-") and not digits.startswith("-"):
        digits = f"-{digits}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
