"""`observe` against a straightforward script, lm-evaluation-harness and the machine's limit.

``make benchmark-observe`` runs it. A GPT-NeoX of the shape of Pythia-70m, with random weights,
reads generated articles, each by itself; all sides load the same folder, in the same dtype, with
one torch thread. Times are CPU seconds of the whole call, loading included, the least of a few.

- ``script``: loads the model twice, once for hidden states (``output_hidden_states=True``, batches
  padded to their longest text), once for the loss, one text at a time.
- ``harness``: ``loglikelihood_rolling`` at its best batch size; it takes no hidden states.
- ``NLL alone``: the pass of `observe` without clouds, model loaded.
- ``limit``: the FLOPs of the pass over the rate of the machine's matrix products in that dtype,
  measured here. Where `observe` multiplies bfloat16 values in float32, that can be exceeded.
"""

import argparse
import contextlib
import io
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from lmtopo import flops, packed, tokenizer  # noqa: E402
from lmtopo.dataset import dataset  # noqa: E402
from lmtopo.dataset.documents import documents  # noqa: E402
from lmtopo.decoder import Decoder  # noqa: E402
from lmtopo.formats import checkpoints, probes  # noqa: E402
from lmtopo.observe import observe  # noqa: E402
from lmtopo.probe import probe  # noqa: E402
from lmtopo.sampler import Sampler  # noqa: E402
from lmtopo.scoring import score  # noqa: E402

CONTEXT = 1024
POINTS = 128
BATCH = 8
CPU = torch.device("cpu")
HARNESS_BATCHES = (1, 4, 16)
SHAPE = {
    "vocab_size": 50_304,
    "hidden_size": 512,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "max_position_embeddings": 2048,
    "rotary_pct": 0.25,
}


def seconds(call: Callable[[], object], repeat: int) -> float:
    """CPU seconds of this process, all threads."""
    best = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        call()
        best = min(best, time.process_time() - began)
    return best


def make(folder: Path, count: int, shape: dict[str, Any] = SHAPE) -> list[str]:
    """A checkpoint folder, a dataset, and its texts."""
    from transformers import AutoConfig, AutoModelForCausalLM

    rows = {"train": 200, "validation": count, "test": 0}
    origin = {"source": "generated", "kind": "articles", "seed": 0, "rows": rows}
    dataset(origin=origin, name="articles", study="benchmark", folder=str(folder / "articles"))
    bpe = tokenizer.train(documents(folder / "articles", "train"), 2048)
    torch.manual_seed(0)
    config = AutoConfig.for_model("gpt_neox", bos_token_id=0, eos_token_id=0, **shape)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / "model")
    bpe.save_pretrained(folder / "model")
    return documents(folder / "articles", "validation")


def make_probe(
    folder: Path,
    reading: str,
    *,
    prefix: str = "eos",
    documents: int | None = None,
    context: int = CONTEXT,
    points: int = POINTS,
    poolings: Sequence[str] = ("token",),
) -> Path:
    """The probe of the articles, or of the first ``documents`` of them."""
    path = folder / f"{reading}-{documents or 'all'}.safetensors"
    probe(
        tokenizer=str(folder / "model"),
        dataset=str(folder / "articles"),
        probe=str(path),
        name="articles",
        split="validation",
        documents=documents,
        min_characters=0,
        max_tokens=None,
        readings=[reading],
        prefix=prefix,
        context=context,
        stride=context,
        points=points,
        poolings=poolings,
        skip_positions=1,
        min_text_tokens=16,
        seed=1,
    )
    return path


def ours(folder: Path, probe_file: Path, dtype: str) -> float:
    """One call of the stage; its NLL."""
    out = folder / "out"
    observe(
        checkpoint=str(folder / "model"),
        probe=str(probe_file),
        clouds=str(out / "clouds.safetensors"),
        quality=str(out / "quality.json"),
        provenance=str(out / "provenance.json"),
        run={"step": 0, "tokens": None},
        layers="all",
        poolings=["token"],
        dtype=dtype,
        batch_size=BATCH,
        threads=1,
        linear="auto",
        device="cpu",
    )
    readings = json.loads((out / "quality.json").read_text())["readings"]
    return float(next(iter(readings.values()))["nll"])


def script(folder: Path, texts: list[str], dtype: torch.dtype) -> float:
    """What one writes first; the NLL of all tokens but each text's first."""
    from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

    reader = AutoTokenizer.from_pretrained(folder / "model")
    reader.pad_token = reader.eos_token
    model = AutoModel.from_pretrained(folder / "model", dtype=dtype).eval()
    clouds: list[list[torch.Tensor]] = [[] for _ in range(SHAPE["num_hidden_layers"] + 1)]
    with torch.no_grad():
        for first in range(0, len(texts), BATCH):
            batch = reader(texts[first : first + BATCH], padding=True, return_tensors="pt")
            states = model(**batch, output_hidden_states=True).hidden_states
            kept = batch["attention_mask"].bool()
            for cloud, layer in zip(clouds, states, strict=True):
                cloud.append(layer[kept][:: max(1, int(kept.sum()) // POINTS)].float())
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=dtype).eval()
    nll = 0.0
    with torch.no_grad():
        for text in texts:
            ids = reader(text, return_tensors="pt")["input_ids"]
            nll += model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)
    return nll


def harness(folder: Path, texts: list[str], dtype: str, batch_size: int) -> float:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        model = HFLM(
            str(folder / "model"),
            device="cpu",
            dtype=dtype,
            batch_size=batch_size,
            max_length=CONTEXT,
        )
        requests = [
            Instance(request_type="loglikelihood_rolling", doc={}, arguments=(text,), idx=index)
            for index, text in enumerate(texts)
        ]
        return -sum(model.loglikelihood_rolling(requests, disable_tqdm=True))


def rate(dtype: torch.dtype) -> float:
    """FLOP/s of matrix products, the best of the shapes of the pass and of a square."""
    best = 0.0
    for rows, inner, columns in ((1024, 512, 2048), (1024, 2048, 512), (1024, 1024, 1024)):
        a, b = (torch.randn(shape).to(dtype) for shape in ((rows, inner), (inner, columns)))
        spent = seconds(partial(torch.mm, a, b), 8)
        held = torch.ops.mkldnn._reorder_linear_weight(b.T.contiguous())
        product = partial(torch.ops.mkldnn._linear_pointwise, a, held, None, "none", [], "")
        spent = min(spent, seconds(product, 8))
        best = max(best, 2 * rows * inner * columns / spent)
    return best


def work(lengths: np.ndarray, shape: dict[str, Any] = SHAPE) -> float:
    """FLOPs of a pass over texts of these lengths: the matrices, the head, and attention to what
    lies before."""
    width, layers = shape["hidden_size"], shape["num_hidden_layers"]
    matrices = flops.gpt_neox_matrix_parameters(
        width=width, layers=layers, mlp=shape["intermediate_size"]
    )
    per_token = 2 * matrices + 2 * width * shape["vocab_size"]
    return float(per_token * lengths.sum() + 2 * layers * width * (lengths**2).sum())


def passes(folder: Path, probe_file: Path, dtype: str, repeat: int) -> tuple[float, float]:
    """Seconds of a pass with clouds and of one without, the model loaded, in turns."""
    model = checkpoints.load(folder / "model", dtype=dtype)
    if packed.chosen("auto", CPU) == "packed":
        packed.pack(model)
    decoder, read = Decoder(model), probes.load(probe_file)
    both, alone = float("inf"), float("inf")
    with torch.inference_mode():
        for _ in range(repeat):
            sampler = Sampler(read.places, decoder.layers, ["token"])
            once = partial(score, decoder, read.readings[0], BATCH)
            both = min(both, seconds(partial(once, sampler), 1))
            alone = min(alone, seconds(once, 1))
    return both, alone


def compare(folder: Path, texts: list[str], dtype: str, repeat: int) -> None:
    kind: Any = getattr(torch, dtype)
    by_document = make_probe(folder, "document", prefix="none")
    rolling = make_probe(folder, "rolling")
    lengths = np.bincount(probes.load(by_document).readings[0].stream.document)
    tokens = int(lengths.sum())
    nll: dict[str, float] = {}

    def timed(name: str, call: Callable[[], float]) -> float:
        def keep() -> None:
            nll[name] = call()

        return seconds(keep, repeat)

    our_time = timed("ours", lambda: ours(folder, by_document, dtype))
    rolling_time = timed("ours, rolling", lambda: ours(folder, rolling, dtype))
    script_time = timed("script", lambda: script(folder, texts, kind))
    limit, limit32 = work(lengths) / rate(kind), work(lengths) / rate(torch.float32)
    both, alone = passes(folder, by_document, dtype, repeat)
    print(
        f"\n{dtype}: {len(texts)} texts, {tokens} tokens; linear layers "
        f"{packed.chosen('auto', CPU)}, "
    )
    print(f"multiplied in {packed.product_dtype(kind)}".replace("torch.", ""))
    print(f"{'':34}{'tokens/s':>10}{'observe is':>12}")
    rows = [("observe", our_time, 1.0), ("script", script_time, script_time / our_time)]
    try:
        times = {
            size: timed("harness", lambda size=size: harness(folder, texts, dtype, size))
            for size in HARNESS_BATCHES
        }
    except ImportError:
        print("lm_eval is not installed: pip install -r envs/harness.txt")
    else:
        size = min(times, key=lambda size: times[size])
        rows.append((f"harness, batches of {size}", times[size], times[size] / rolling_time))
    for name, spent, ratio in rows:
        print(f"{name:34}{tokens / spent:10,.0f}{ratio:11.2f}x")
    for name, spent in {dtype: limit, "float32": limit32}.items():
        print(f"{'limit, products in ' + name:34}{tokens / spent:10,.0f}{spent / both:12.0%}")
    print(f"{'pass alone, model loaded':34}{tokens / both:10,.0f}")
    print(f"clouds and NLL take {both / alone:.3f} of the time of the NLL alone")
    print("NLL in nats: " + ", ".join(f"{name} {value:,.2f}" for name, value in nll.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    given = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with contextlib.redirect_stdout(io.StringIO()):
            texts = make(folder, given.documents)
        for dtype in given.dtypes:
            compare(folder, texts, dtype, given.repeat)


if __name__ == "__main__":
    main()
