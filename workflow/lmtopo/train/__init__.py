"""Stage `train`: one GPT-NeoX model from scratch, under one budget."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo.checksums import seal_folder
from lmtopo.files import atomic, write_json
from lmtopo.fingerprint import fingerprint
from lmtopo.seeds import seed_of

if TYPE_CHECKING:
    from torch.optim import AdamW
    from transformers import GPTNeoXForCausalLM


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run's weights, beside its dataset and tokenizer."""

    architecture: Mapping[str, Any]
    vocabulary: int
    positions: int
    steps: Sequence[int]
    unique_tokens: int | None
    flops_per_token: int
    seed: int
    threads: int
    dtype: str
    context: int
    batch_size: int
    learning_rate: float
    final_learning_rate: float
    warmup: float
    weight_decay: float
    betas: Sequence[float]
    clip: float

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.context

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up over the first ``warmup`` share of the run, then half a cosine from
        ``learning_rate`` down to ``final_learning_rate`` times that at the last step."""
        from math import ceil, cos, pi

        rising = ceil(self.warmup * self.steps[-1])
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        done = (step - rising) / max(self.steps[-1] - 1 - rising, 1)
        low = self.final_learning_rate
        return self.learning_rate * (low + (1 - low) * (1 + cos(pi * done)) / 2)


def train(
    *,
    dataset: str,
    tokenizer: str,
    run: str,
    name: str,
    recipe: Mapping[str, Any],
    device: str,
) -> None:
    """Train on the ``train`` split of folder ``dataset`` and write folder ``run``: a checkpoint
    ``step{N}/`` for each of the recipe's steps, ``training.parquet``, ``timing.csv`` and
    ``provenance.json``. ``device``: see `lmtopo.device.ready`; weights are drawn on the CPU, so
    that all devices begin with the same.

    The loss is the mean NLL, in nats, of the next token over windows of ``context`` inputs. A
    killed run goes on from the state it last saved and ends with the same weights.

    Raises
    ------
    InputError
        If the split has fewer tokens than the budget's ``unique_tokens``, or than one window, there
        is no such device, or a batch does not fit into memory.
    """
    import torch
    from torch import Tensor
    from torch.nn.functional import cross_entropy
    from torch.nn.utils import clip_grad_norm_

    from lmtopo import device as devices
    from lmtopo import memory
    from lmtopo.provenance import origin
    from lmtopo.train.data import TrainingData
    from lmtopo.train.state import State

    this = Recipe(**recipe)
    place = devices.ready(device, this.threads)
    facts = devices.facts(place)
    data = TrainingData(
        dataset,
        tokenizer,
        context=this.context,
        batch_size=this.batch_size,
        steps=this.steps[-1],
        unique_tokens=this.unique_tokens,
        seed=this.seed,
    )
    model = new_model(this, data.boundary)
    torch.nn.Module.to(model, place)
    optimizer = new_optimizer(model, this)
    key = [run, asdict(this), data.fingerprint, fingerprint("train"), facts["name"]]

    def update(step: int, windows: int) -> tuple[Tensor, Tensor]:
        """Loss and norm of the gradient of a step over so many of its windows."""
        inputs, targets = (ids[:windows].to(place) for ids in data.batch(step))
        with torch.autocast(place.type, torch.bfloat16, enabled=this.dtype == "bfloat16"):
            logits = model(input_ids=inputs, use_cache=False).logits
        loss = cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        loss.backward()
        norm = clip_grad_norm_(model.parameters(), this.clip)
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach(), norm

    def first_update(step: int) -> tuple[Tensor, Tensor]:
        """All steps take as much memory as the first one of a process."""
        return memory.in_batches(
            lambda windows: update(step, windows),
            this.batch_size,
            attempt=lambda windows: update(step, windows),
            device=place,
            what=f"train.batch_size: {{}} windows of {this.context} tokens",
            otherwise="lower train.context or the model's size",
        )

    with State(model, optimizer, place=run, key=key, steps=this.steps, name=name) as state:
        first = state.step
        for step in range(state.step, this.steps[-1] + 1):
            if step in this.steps:
                save(state.run / f"step{step}", model, tokenizer, this, data, step)
            if step == this.steps[-1]:
                break
            rate = this.learning_rate_at(step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss, norm = first_update(step) if step == first else update(step, this.batch_size)
            state.done(step, loss=loss.item(), learning_rate=rate, gradient_norm=norm.item())

        write_json(
            state.run / "provenance.json",
            origin(device=facts, recipe=asdict(this), tokens_sha256=data.fingerprint),
        )
        state.finish(lambda step: resources(this, data, step))


def new_model(recipe: Recipe, boundary: int) -> "GPTNeoXForCausalLM":
    """A GPT-NeoX with random weights that depend on the seed and the architecture alone."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    shape = dict(recipe.architecture)
    config = GPTNeoXConfig(
        vocab_size=recipe.vocabulary,
        max_position_embeddings=recipe.positions,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "partial_rotary_factor": shape.pop("rotary_pct"),
        },
        bos_token_id=boundary,
        eos_token_id=boundary,
        **shape,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed_of(recipe.seed, "weights"))
        model: GPTNeoXForCausalLM = GPTNeoXForCausalLM(config)
    model.train()
    return model


def new_optimizer(model: "GPTNeoXForCausalLM", recipe: Recipe) -> "AdamW":
    """AdamW; only matrices decay, not norms and biases.

    Source: Loshchilov and Hutter 2019, arXiv 1711.05101.
    """
    from torch.optim import AdamW

    parameters = list(model.parameters())
    groups: list[dict[str, Any]] = [
        {"params": [one for one in parameters if one.ndim >= 2]},
        {"params": [one for one in parameters if one.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(
        groups,
        lr=recipe.learning_rate,
        betas=(recipe.betas[0], recipe.betas[1]),
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def resources(recipe: Recipe, data: Any, step: int) -> dict[str, float]:
    """What a run has spent after ``step`` steps: tokens, different tokens, FLOPs."""
    tokens = step * recipe.tokens_per_step
    return {
        "tokens": float(tokens),
        "unique_tokens": float(min(tokens, data.unique_tokens)),
        "flops": float(tokens * recipe.flops_per_token),
    }


def save(
    folder: Path,
    model: "GPTNeoXForCausalLM",
    tokenizer: str,
    recipe: Recipe,
    data: Any,
    step: int,
) -> None:
    """One checkpoint in Hugging Face format, with its tokenizer, ``resources.json``, checksums."""
    import shutil

    with atomic(folder) as temporary:
        model.save_pretrained(temporary)
        for file in Path(tokenizer).iterdir():
            shutil.copy(file, temporary)
        write_json(temporary / "resources.json", resources(recipe, data, step))
        seal_folder(temporary)
