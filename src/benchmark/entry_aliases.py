"""Entries as the reference system's later releases write them, where they mean the same here."""

from functools import cache
from pathlib import Path
from typing import Any

# What those releases call an argument of a run spec → its name here.
_ARGUMENTS = {
    "civil_comments": {"demographic": "subject"},
    "synthetic_efficiency": {"num_prompt_tokens": "num_input_tokens"},
}
# What they call a value of an argument → its name here.
_VALUES = {
    ("code", "dataset"): {"humaneval": "HumanEval", "apps": "APPS"},
    ("natural_qa", "mode"): {
        "openbook_longans": "openbook-longans",
        "openbook_wiki": "openbook-wiki",
    },
    ("bbq", "subject"): {
        name.lower(): name
        for name in (
            *("Age", "Disability_status", "Gender_identity", "Nationality"),
            *("Physical_appearance", "Race_ethnicity", "Race_x_SES", "Race_x_gender"),
            *("Religion", "SES", "Sexual_orientation"),
        )
    },
    ("ice", "subset"): {
        name.lower(): name for name in ("CAN", "JA", "HK", "IND", "SIN", "PHI", "USA")
    },
    ("ice", "gender"): {"male": "M", "female": "F"},
}
# Arguments of theirs that say what is so here anyway; another value is not dropped.
_JOINT = {"method": "multiple_choice_joint"}
_IMPLIED: dict[str, dict[str, str]] = {
    "bbq": _JOINT,
    "legal_support": _JOINT,
    "lsat_qa": _JOINT,
    "mmlu": _JOINT,
    "pubmed_qa": _JOINT,
    "truthful_qa": _JOINT,
}
# Where their metrics are computed, which changes no result.
_WITHOUT_EFFECT = {
    name: {"device"}
    for name in ("summarization_cnndm", "summarization_xsum", "summarization_xsum_sampled")
}
# Their names of arguments that every run spec takes.
_EXPANDERS = {"model_deployment": "model"}


def canonical_arguments(run_spec: str, args: dict[str, Any]) -> dict[str, Any]:
    """Return `args` with the names and values that are used here, in their order."""
    names = _EXPANDERS | _ARGUMENTS.get(run_spec, {})
    implied = _IMPLIED.get(run_spec, {})
    without_effect = _WITHOUT_EFFECT.get(run_spec, set())
    canonical = {}
    for key, value in args.items():
        if key in without_effect or implied.get(key) == value:
            continue
        name = names.get(key, key)
        if (run_spec, name) == ("wikifact", "subject"):
            canonical[name] = _wikifact_relations().get(str(value), value)
        else:
            values = _VALUES.get((run_spec, name), {})
            canonical[name] = values.get(str(value).lower(), value)
    return canonical


@cache
def _wikifact_relations() -> dict[str, str]:
    """Wikidata's label of each property of WikiFact, written with underscores → its id."""
    path = Path(__file__).with_name("wikifact_relations.tsv")
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)
