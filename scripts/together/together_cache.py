"""Where stored answers are, as the scripts beside are told."""

from pathlib import Path
from typing import Never

from proxy import settings


def database_url(cache_path: str) -> str:
    """Return the URL of the database: of an installation's folder, a SQLite file, or as given."""
    if "://" in cache_path:
        return cache_path
    path = Path(cache_path)
    if path.suffix == ".sqlite":
        return f"sqlite:///{path}"
    return settings.database_url(path)


def base_folder(cache_path: str) -> Path:
    """Return the installation's folder, which may name deployments of its own."""
    if "://" in cache_path:
        return Path("prod_env")
    path = Path(cache_path)
    if path.suffix != ".sqlite":
        return path
    # The reference system has its files in prod_env/cache/.
    return path.parent.parent if path.parent.name == "cache" else path.parent


def never() -> Never:
    """Stands for a cache where nothing is asked."""
    raise AssertionError("nothing is asked here")
