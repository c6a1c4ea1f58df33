"""Fine-tuning a causal language model to tell paraphrases, freely or in a random subspace."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.func import functional_call

from lmtopo.d90.fastfood import Subspace
from lmtopo.seeds import generator, seed_of

HEAD_SPREAD = 0.02
"""Standard deviation of the head's first weights, as transformers has it for most models."""
WARMUP = 0.1


@dataclass(frozen=True)
class Recipe:
    """How long and how fast: Adam without weight decay, its rate warmed up and then linearly
    lowered to 0. ``learning_rate`` is that of full fine-tuning."""

    steps: int
    batch_size: int
    learning_rate: float


class Classifier(nn.Module):
    """A language model's body and a linear head on the state of a text's last token."""

    def __init__(self, body: nn.Module, width: int, seed: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(width, 1)
        draw = torch.Generator().manual_seed(seed_of(seed, "d90", "head"))
        with torch.no_grad():
            self.head.weight.normal_(0.0, HEAD_SPREAD, generator=draw)
            self.head.bias.zero_()

    def forward(
        self, ids: Int64[Tensor, "batch time"], last: Int64[Tensor, " batch"]
    ) -> Float[Tensor, " batch"]:
        # what follows the last token does not reach it, so padding needs no mask
        states = self.body(input_ids=ids, use_cache=False).last_hidden_state
        kept = states[torch.arange(len(ids), device=ids.device), last]
        return self.head(kept.float()).squeeze(-1)  # type: ignore[no-any-return]


def learn(
    classifier: Classifier,
    texts: Sequence[Sequence[int]],
    labels: Int64[np.ndarray, " texts"],
    tested: Sequence[Sequence[int]],
    *,
    dimension: int | None,
    said: bool,
    seed: int,
    recipe: Recipe,
) -> Bool[np.ndarray, " tested"]:
    """Which texts of ``tested`` are of label 1, after fine-tuning on ``texts``; the classifier's
    own parameters stay as they are.

    ``dimension``: of the random subspace (`Subspace`), None for full fine-tuning; ``said``: with
    learned scales of the layers. A step of Adam moves each coordinate by about its rate, so d
    coordinates move sqrt(d) times as far: the rate in a subspace is sqrt(D / d) times that of full
    fine-tuning, for steps of one length. The scales keep the latter's rate.
    """
    start = {name: value.detach() for name, value in classifier.named_parameters()}
    device = next(iter(start.values())).device
    if dimension is None:
        free = {name: nn.Parameter(value.clone()) for name, value in start.items()}
        groups = [{"params": list(free.values()), "lr": recipe.learning_rate}]

        def parameters() -> dict[str, Tensor]:
            return dict(free)
    else:
        layers = {name: layer_of(name) for name in start} if said else None
        subspace = Subspace(start, dimension, seed=seed, groups=layers).to(device)
        stretch = (subspace.parameters_total / dimension) ** 0.5
        groups = [
            {"params": [subspace.z], "lr": recipe.learning_rate * stretch},
            {"params": [subspace.scales], "lr": recipe.learning_rate},
        ]
        parameters = subspace.forward
    optimizer = torch.optim.Adam(groups)
    warm = max(1, round(WARMUP * recipe.steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / warm, (recipe.steps - step) / max(1, recipe.steps - warm)),
    )
    order = orders(len(texts), seed)
    targets = torch.from_numpy(labels).float().to(device)
    for _ in range(recipe.steps):
        some = [next(order) for _ in range(recipe.batch_size)]
        optimizer.zero_grad(set_to_none=True)
        logits = functional_call(classifier, parameters(), padded([texts[i] for i in some], device))
        loss = nn.functional.binary_cross_entropy_with_logits(logits, targets[some])
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        tuned = parameters()
        found = [
            functional_call(classifier, tuned, padded(tested[i : i + recipe.batch_size], device))
            for i in range(0, len(tested), recipe.batch_size)
        ]
    return torch.cat(found).cpu().numpy() > 0


def layer_of(parameter: str) -> str:
    """The layer that a parameter belongs to: its path up to the number of its block, else up to
    its module."""
    path = parameter.split(".")
    numbers = [place for place, part in enumerate(path) if part.isdigit()]
    return ".".join(path[: numbers[0] + 1] if numbers else path[:-1])


def orders(count: int, seed: int):  # type: ignore[no-untyped-def]
    """Places of texts without end: one permutation after another."""
    rng = generator(seed, "d90", "order")
    while True:
        yield from rng.permutation(count).tolist()


def padded(
    texts: Sequence[Sequence[int]], device: torch.device
) -> tuple[Int64[Tensor, "batch time"], Int64[Tensor, " batch"]]:
    """Token ids, padded at the right by the texts' last tokens, and where each text ends."""
    longest = max(len(text) for text in texts)
    rows = [[*text, *([text[-1]] * (longest - len(text)))] for text in texts]
    last = [len(text) - 1 for text in texts]
    return torch.tensor(rows, device=device), torch.tensor(last, device=device)


def joined(first: Sequence[int], second: Sequence[int], boundary: int, positions: int) -> list[int]:
    """Boundary, first sentence, boundary, second sentence, boundary: the last one has seen both.
    Of sentences that are too long for ``positions``, the ends are left out.

    Source: Radford et al. 2018 (GPT), section 3.3.
    """
    room = positions - 3
    left = min(len(first), max(room // 2, room - len(second)))
    return [boundary, *first[:left], boundary, *second[: room - left], boundary]
