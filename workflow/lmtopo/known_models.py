"""Facts about published models that a study needs before it has downloaded one."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lmtopo.files import read_json

FILE = Path(__file__).parents[2] / "resources/models.json"


@dataclass(frozen=True)
class Facts:
    """Shape and size of a model: ``parameters`` without embeddings, ``parameters_total`` with;
    ``bytes`` of one revision's weights; ``revisions`` are the ones it was published with."""

    layers: int
    width: int
    mlp: int
    matrices: int
    vocabulary: int
    context: int
    parameters: int
    parameters_total: int
    bytes: int


def facts(repo: str) -> Facts | None:
    """What is known of a repository's model; None if nothing is."""
    found = families().get(repo)
    return None if found is None else Facts(**found)


@cache
def families() -> dict[str, dict[str, int]]:
    """Facts by repository."""
    return {repo: family["facts"] for family in read_json(FILE) for repo in family["repos"]}
