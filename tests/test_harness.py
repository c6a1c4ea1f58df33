"""Against lm-evaluation-harness itself, where it is installed."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtopo import harness
from lmtopo.harness import detokenise, pages
from lmtopo.windows import rolling_windows, stream

PAGE = " \n = Café ( film ) = \n \n It cost $ 3 @.@ 5 million , 20 ° C , said the boys ' aunt . \n"


def test_detokenising_takes_out_the_spaces_that_tokenising_added() -> None:
    shown = detokenise(PAGE)
    assert shown == "\n= Café (film) =\n\nIt cost $ 3.5 million, 20°C, said the boys' aunt.\n"


def test_words_are_the_pieces_between_white_space_the_ends_included() -> None:
    assert harness.count_words(" a  b\n") == 4
    assert harness.count_words("a b") == 2


def test_pages_begin_with_their_titles_and_lose_one_newline() -> None:
    rows = ["", " = One = \n", "", " = = Part = = \n", " text \n", " = Two = \n", " text \n"]
    assert list(pages(rows)) == [
        " = One = \n \n = = Part = = \n text ",
        " = Two = \n text \n",
    ]


SYMBOLS = st.sampled_from(
    re.split(" ", "a s s' ' 's \" ( ) [ ] { } /' 5/ 7 N ° @-@ @,@ @.@ : ; . ! ? , = == \\1 é \n \t")
)


@pytest.fixture(scope="module")
def task() -> Any:
    return pytest.importorskip("lm_eval.tasks.wikitext.preprocess_wikitext")


@given(page=st.lists(SYMBOLS, max_size=30).map(" ".join))
def test_the_detokeniser_is_the_tasks(task: Any, page: str) -> None:
    assert detokenise(page) == task.wikitext_detokenizer({"page": page})


def real_pages(file: str) -> list[str]:
    if "LMTOPO_DATA" not in os.environ:
        pytest.skip("LMTOPO_DATA is not set")
    path = Path(os.environ["LMTOPO_DATA"], "wikitext-2-raw", file)
    with path.open(encoding="utf-8", newline="\n") as lines:
        return list(pages(list(lines)))


@pytest.mark.parametrize(("file", "count"), [("wiki.valid.raw", 60), ("wiki.test.raw", 62)])
def test_wikitext_has_as_many_pages_as_the_tasks_dataset(file: str, count: int) -> None:
    assert len(real_pages(file)) == count


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, make_model: Callable[..., Any]) -> Path:
    """A model that has learned a little: to random weights, one context is as good as another."""
    import torch

    from lmtopo import tokenizer
    from lmtopo.dataset.generated import generate

    folder = tmp_path_factory.mktemp("trained") / "model"
    texts = [str(text) for text in generate("articles", rows=40, seed=3)["text"]]
    bpe = tokenizer.train(texts, 400)
    bpe.save_pretrained(folder)
    model = make_model("gpt_neox", vocab_size=400, hidden_size=64, intermediate_size=128)
    ids = torch.tensor([token for row in tokenizer.encode(bpe, texts) for token in row])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    order = torch.Generator().manual_seed(0)
    for _ in range(80):
        starts = torch.randint(len(ids) - 64, (16,), generator=order)
        batch = ids[starts[:, None] + torch.arange(64)]
        optimizer.zero_grad()
        model(batch, labels=batch).loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    return folder


def harness_scores(model: Path, texts: list[str], context: int, folder: Path) -> dict[str, Any]:
    """What the harness itself says: its task ``wikitext`` over pages of ours."""
    import yaml
    from lm_eval import simple_evaluate, tasks
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks.wikitext import preprocess_wikitext

    class Loader(yaml.SafeLoader):
        """Reads ``!function module.name`` as the name."""

    Loader.add_constructor("!function", lambda loader, node: node.value.split(".")[-1])
    path = Path(tasks.__file__).parent / "wikitext" / "wikitext.yaml"
    config = yaml.load(path.read_text(), Loader)
    for key in ("doc_to_target", "process_results"):
        config[key] = getattr(preprocess_wikitext, config[key])
    for key in ("dataset_name", "training_split", "validation_split"):
        del config[key]
    file = folder / "pages.jsonl"
    file.write_text("".join(json.dumps({"page": text}) + "\n" for text in texts))
    config |= {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(file)}}}
    found = simple_evaluate(
        HFLM(str(model), device="cpu", dtype="float32", batch_size=4, max_length=context),
        tasks=[ConfigurableTask(config=config)],
        bootstrap_iters=0,
    )
    return found["results"]["wikitext"]


def our_scores(model: Path, texts: list[str], context: int, folder: Path) -> dict[str, Any]:
    from lmtopo.dataset import dataset
    from lmtopo.observe import observe
    from lmtopo.probe import probe

    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    origin = {"source": "local", "format": "jsonl", "splits": {"test": str(file)}}
    dataset(origin=origin, name="pages", study="test", folder=str(folder / "pages"))
    probe(
        tokenizer=str(model),
        dataset=str(folder / "pages"),
        probe=str(folder / "probe.safetensors"),
        name="pages",
        split="test",
        documents=None,
        min_characters=0,
        max_tokens=None,
        readings=["wikitext"],
        prefix="eos",
        context=context,
        stride=context,
        points=20,
        poolings=["token"],
        skip_positions=1,
        min_text_tokens=8,
        seed=1,
    )
    observe(
        checkpoint=str(model),
        probe=str(folder / "probe.safetensors"),
        clouds=str(folder / "clouds.safetensors"),
        quality=str(folder / "quality.json"),
        provenance=str(folder / "provenance.json"),
        run={"step": 1, "tokens": None},
        layers=["final_norm"],
        poolings=["token"],
        dtype="float32",
        batch_size=8,
        threads=1,
        linear="auto",
        device="cpu",
    )
    return json.loads((folder / "quality.json").read_text())["readings"]["wikitext"]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["generated", "real"])
def test_perplexity_is_the_harness_s(source: str, trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    from lmtopo.dataset.generated import generate

    if source == "generated":
        texts = [str(text) for text in generate("articles", rows=12, seed=5)["text"]]
    else:
        texts = real_pages("wiki.valid.raw")[:6]
    texts.append("A page of a few words .")  # shorter than a window
    theirs = harness_scores(trained, texts, 64, tmp_path)
    ours = our_scores(trained, texts, 64, tmp_path)
    assert ours["n_documents"] == len(texts)
    for metric in ("word_perplexity", "byte_perplexity", "bits_per_byte"):
        assert ours[metric] == pytest.approx(theirs[f"{metric},none"], rel=1e-6), metric
    assert ours["perplexity"] < 200  # of 400: it has learned


@pytest.fixture(scope="module")
def utils() -> Any:
    return pytest.importorskip("lm_eval.utils")


@given(length=st.integers(0, 60), context=st.integers(1, 16), overlap=st.integers(0, 15))
def test_windows_are_the_harness_s(utils: Any, length: int, context: int, overlap: int) -> None:
    overlap = min(overlap, context - 1)
    tokens = stream([list(range(1, length + 1))], 0)
    cut = rolling_windows(tokens, context=context, stride=context - overlap)
    found = [
        (
            tokens.ids[start : start + length].tolist(),
            tokens.ids[start + fresh + 1 : start + length + 1].tolist(),
        )
        for start, length, fresh in zip(cut.start, cut.length, cut.fresh, strict=True)
    ]
    expected = utils.get_rolling_token_windows(
        list(range(1, length + 1)), prefix_token=0, max_seq_len=context, context_len=overlap + 1
    )
    assert found == list(expected)


def test_a_task_in_words_is_asked_with_the_harness_s_tokens(
    tmp_path: Path, make_model: Callable[..., Any], tokenizer_folder: Path
) -> None:
    """Also where the tokenizer puts a BOS before a text, as Llama's does."""
    huggingface = pytest.importorskip("lm_eval.models.huggingface")
    from tokenizers.processors import TemplateProcessing

    from lmtopo import tokenizer
    from lmtopo.downstream.task import Pairs
    from lmtopo.downstream.zero_shot import CHOICES, PROMPT, requests

    words = tokenizer.load(tokenizer_folder)
    words.add_special_tokens({"bos_token": "<s>"})
    bos = words.bos_token_id
    words.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", bos)]
    )
    words.save_pretrained(tmp_path)
    make_model("llama", vocab_size=bos + 1, bos_token_id=bos).save_pretrained(tmp_path)
    pairs = Pairs(["the cat sat"], ["a cat sat"], np.array([1]))
    harness_s = huggingface.HFLM(str(tmp_path), device="cpu", dtype="float32", batch_size=1)
    prompt = PROMPT.format(first="the cat sat", second="a cat sat")
    theirs = [harness_s._encode_pair(prompt, choice) for choice in CHOICES]
    ours = requests(tokenizer.load(tmp_path), pairs)
    assert ours == theirs
    assert ours[0][0][0] == bos
