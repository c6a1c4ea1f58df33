"""Studies of checkpoints on the hub's stand-in, and the room that they take."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from workplace import Workplace

MANY = "EleutherAI/pythia-70m"


def study(place: Workplace, revisions: Any, **sections: Any) -> None:
    """Write the place's study: one model on two datasets of the hub."""
    raw = {
        "study": "tiny",
        "datasets": {
            "tinystories": {
                "source": "hub",
                "repo": "roneneldan/TinyStories",
                "rows": {"train": 80},
            },
            "glue-mrpc": {
                "source": "hub",
                "repo": "nyu-mll/glue",
                "name": "mrpc",
                "rows": {"train": 30, "validation": 30, "test": 30},
            },
        },
        "models": {
            "pythia": {
                "source": "hub",
                "repo": MANY,
                "revisions": revisions,
                "tokens_per_step": 2097152,
            }
        },
        "evaluate": ["tinystories", "glue-mrpc"],
        "clouds": {
            "points": 24,
            "poolings": ["token"],
            "layers": ["final_norm"],
            "replicates": 1,
            "subsample": 24,
            "min_text_tokens": 8,
        },
        "quality": {"context": 32},
        "signatures": ["feature_count", "total_persistence"],
        "figures": {"formats": ["png"], "signature": "total_persistence"},
        "hub": {"patience": 30},
        **sections,
    }
    (place.folder / "tiny.yaml").write_text(yaml.safe_dump(raw))


def on_disk(place: Workplace) -> int:
    """Checkpoints that take room: finished ones, and parts of ones on their way."""
    finished = place.folder.glob("results/tiny/checkpoints/*/step*")
    parts = place.folder.glob(".lmtopo/hub/tiny/[0-9]")
    return len(list(finished)) + sum(1 for part in parts if any(part.iterdir()))


@contextmanager
def counted(place: Workplace) -> Iterator[list[int]]:
    """The largest number of checkpoints on disk while the block runs."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            try:
                most[0] = max(most[0], on_disk(place))
            except FileNotFoundError:
                continue

    thread = threading.Thread(target=watch)
    thread.start()
    yield most
    over.set()
    thread.join()
