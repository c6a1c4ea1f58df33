"""Small real models and tokenizers, made once a session."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TEXTS = [
    "The little fox ran over the hill and found a red ball near the old tree.",
    "A girl named Mia had a small boat. She took the boat to the river and it was fun.",
    "Once there was a bird who could not sing, so it learned to drum on the hollow wood.",
] * 8


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers side by side begin with the files that take minutes: the last one to end would
    otherwise work on one of them alone."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level BPE of 300 ids, trained on a few sentences."""
    from lmtopo import tokenizer

    folder = tmp_path_factory.mktemp("tokenizer") / "bpe"
    tokenizer.train(TEXTS, 300).save_pretrained(folder)
    return folder


def config_of(architecture: str, **changes: Any) -> Any:
    import transformers

    small = {
        "gpt_neox": {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
        "gpt2": {"n_embd": 32, "n_head": 2, "n_layer": 2, "n_positions": 64},
        "openai-gpt": {"n_embd": 32, "n_head": 2, "n_layer": 2, "n_positions": 64},
        "llama": {
            "hidden_size": 32,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "intermediate_size": 64,
        },
        "gemma2": {
            "hidden_size": 32,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "intermediate_size": 64,
            "final_logit_softcapping": 2.0,
        },
        "opt": {
            "hidden_size": 32,
            "num_attention_heads": 2,
            "ffn_dim": 64,
            "word_embed_proj_dim": 32,
        },
        "olmo": {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
    }[architecture]
    if architecture not in ("gpt2", "openai-gpt"):
        small |= {"num_hidden_layers": 2, "max_position_embeddings": 64}
    return transformers.AutoConfig.for_model(
        architecture,
        **{
            "vocab_size": 300,
            **small,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "pad_token_id": 0,
            **changes,
        },
    )


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Any]:
    """A randomly initialised model of an architecture, with weights far from symmetric."""

    def make(architecture: str, seed: int = 0, **changes: Any) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = AutoModelForCausalLM.from_config(config_of(architecture, **changes))
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        return model.eval()

    return make


@pytest.fixture(scope="session")
def save_checkpoint(make_model: Callable[..., Any], tokenizer_folder: Path) -> Callable[..., Path]:
    """Writes a checkpoint folder with weights, config and tokenizer."""

    def save(folder: Path, architecture: str = "gpt_neox", **changes: Any) -> Path:
        import shutil

        make_model(architecture, **changes).save_pretrained(folder)
        for file in tokenizer_folder.iterdir():
            shutil.copy(file, folder)
        return folder

    return save


@pytest.fixture(scope="session")
def hub_root(
    tmp_path_factory: pytest.TempPathFactory, save_checkpoint: Callable[..., Path]
) -> Path:
    """A folder of small repositories for the stand-in hub: Pythia's in float16, OLMo's in shards,
    a pickled one, and the three datasets. Not to be changed."""
    import repositories

    root = tmp_path_factory.mktemp("hub")
    repositories.make_datasets(root)
    pythia = ["step0", "step1", "step2", "step512", "main"]
    repositories.make_model(root, "EleutherAI/pythia-70m", pythia, save_checkpoint)
    olmo = ["step1000-tokens4B", "step2000-tokens8B", "main"]
    repositories.make_model(
        root, "allenai/OLMo-1B-hf", olmo, save_checkpoint, architecture="olmo", weights="sharded"
    )
    repositories.make_model(
        root,
        "me/pickled",
        ["step5", "main"],
        save_checkpoint,
        architecture="llama",
        weights="pickle",
    )
    return root


@pytest.fixture
def hub(hub_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The stand-in hub over `hub_root`, which this process's client takes for the real one."""
    import standin
    from huggingface_hub import constants

    with standin.serve(hub_root) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            running.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.chdir(tmp_path)
        yield running


@pytest.fixture(scope="session")
def dataset_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved dataset of generated stories: 60 to train on, 12 to validate."""
    from lmtopo.dataset import dataset

    folder = tmp_path_factory.mktemp("datasets") / "stories"
    rows = {"train": 60, "validation": 12, "test": 0}
    origin = {"source": "generated", "kind": "stories", "seed": 0, "rows": rows}
    dataset(origin=origin, name="stories", study="test", folder=str(folder))
    return folder


@pytest.fixture
def make_probe(dataset_folder: Path, tokenizer_folder: Path) -> Callable[..., Path]:
    """Makes a probe of the first seven stories and writes it to a path."""

    def make(path: Path, **changes: Any) -> Path:
        from lmtopo.probe import probe

        settings = {
            "dataset": str(dataset_folder),
            "name": "stories",
            "split": "validation",
            "documents": 7,
            "min_characters": 0,
            "max_tokens": None,
            "readings": ["windows"],
            "prefix": "eos",
            "context": 32,
            "stride": 32,
            "points": 40,
            "poolings": ["token", "last", "mean"],
            "skip_positions": 1,
            "min_text_tokens": 8,
            "seed": 1,
        }
        probe(tokenizer=str(tokenizer_folder), probe=str(path), **settings | changes)
        return path

    return make
