"""Checkpoints whose states were planted on a manifold, through the whole workflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from workplace import Workplace

pytestmark = pytest.mark.slow

WORDS = 400
WIDTH = 32


def save_tokenizer(folder: Path) -> None:
    """A tokenizer of ``WORDS`` words, each one token."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<eos>": 0, **{f"w{number}": number + 1 for number in range(WORDS)}}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<eos>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<eos>", bos_token="<eos>", unk_token="<eos>"
    ).save_pretrained(folder)


def save_planted(folder: Path, points: np.ndarray, make_model: Callable[..., Any]) -> None:
    """A GPT-NeoX whose words are embedded at ``points``, turned at random."""
    import torch

    rng = np.random.default_rng(0)
    frame = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0][: points.shape[1]]
    model = make_model("gpt_neox", vocab_size=WORDS + 1, hidden_size=WIDTH)
    with torch.no_grad():
        weight = model.get_input_embeddings().weight
        weight[1:] = torch.from_numpy((points @ frame).astype(np.float32))
    model.save_pretrained(folder)
    save_tokenizer(folder)


def on_circles(number: int) -> np.ndarray:
    """A word each at a random point of a product of circles."""
    angles = np.random.default_rng(number).uniform(0, 2 * np.pi, (WORDS, number))
    return np.hstack([np.cos(angles), np.sin(angles)])


def test_planted_states_yield_their_betti_numbers(
    make_workplace: Callable[..., Workplace], make_model: Callable[..., Any]
) -> None:
    place = make_workplace("planted")
    save_planted(place.folder / "circle/step0", on_circles(1), make_model)
    save_planted(place.folder / "torus/step0", on_circles(2), make_model)
    rng = np.random.default_rng(0)
    lines = [" ".join(f"w{word}" for word in rng.integers(0, WORDS, 30)) for _ in range(60)]
    (place.folder / "words.txt").write_text("\n".join(lines))
    study = {
        "study": "tiny",
        "datasets": {
            "words": {"source": "local", "format": "lines", "path": "words.txt", "holdout": 0.9}
        },
        "models": {
            name: {"source": "local", "path": f"{name}/step0", "tokenizer": "words"}
            for name in ("circle", "torus")
        },
        "evaluate": ["words"],
        "clouds": {
            "points": 240,
            "subsample": 200,
            "replicates": 1,
            "poolings": ["token"],
            "layers": ["embedding", "block_1"],
        },
        "quality": {"context": 64},
        "homology": {"nulls": {"gaussian": 19}},
        "noise": {"checkpoints": "none"},
    }
    (place.folder / "tiny.yaml").write_text(yaml.safe_dump(study))
    place.snakemake("tables")
    found = pd.read_parquet(place.folder / "results/tiny/tables/signatures.parquet")
    counted = found.query("signature == 'significant_count' and layer == 'embedding'")
    assert counted.set_index(["model", "dimension"])["value"].to_dict() == {
        ("circle", 0): 1,
        ("circle", 1): 1,
        ("torus", 0): 1,
        ("torus", 1): 2,
    }
    longest = found.query("signature == 'max_persistence' and dimension == 1")
    longest = longest[longest["layer"] == "embedding"].set_index("model")
    assert (longest["gaussian_percentile"] == 100).all()
    assert longest["gaussian_z"].min() > 5
