"""One causal language model, seen as embedding, blocks, final norm and head.

Works on every decoder of transformers: the blocks are read by hooks, and the head is the model's
own ``forward`` whose body has been replaced by a stand-in that hands over hidden states computed
once. Whatever the architecture does to its logits (scaling, soft-capping) is thereby kept.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils.generic import ModelOutput

from lmtopo.errors import InputError

See = Callable[[str, Tensor], None]


class HandOver(nn.Module):
    """Stands where the body was and returns the output it is given."""

    output: ModelOutput | None = None

    def forward(self, *_: Any, **__: Any) -> ModelOutput | None:
        return self.output


class Decoder:
    """A causal language model in two halves: `body` and `head`. It takes the model over."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._body = model.get_decoder()
        self._blocks = find_blocks(self._body, model.config.num_hidden_layers)
        self._hand_over = HandOver()
        self._output_type: type[ModelOutput]
        self._model = model
        self.vocabulary: int = model.config.vocab_size
        self.device: torch.device = model.device
        self.blocks = len(self._blocks)
        name = next(name for name, module in model.named_modules() if module is self._body)
        model.set_submodule(name, self._hand_over)
        self.layers = [
            "embedding",
            *(f"block_{index + 1}" for index in range(len(self._blocks))),
            "final_norm",
        ]

    def body(
        self, ids: Int64[Tensor, "batch time"], see: See | None = None
    ) -> Float[Tensor, "batch time width"]:
        """Hidden states after the final norm; ``see(layer, states)`` is shown every layer's,
        none of which is kept."""
        hooks = []
        if see is not None:
            hooks.append(
                self._blocks[0].register_forward_pre_hook(
                    lambda _, args, kwargs: see(
                        "embedding", args[0] if args else kwargs["hidden_states"]
                    ),
                    with_kwargs=True,
                )
            )
            for index, block in enumerate(self._blocks):
                hooks.append(block.register_forward_hook(shower(see, f"block_{index + 1}")))
        try:
            output = self._body(input_ids=ids, use_cache=False)
        finally:
            for hook in hooks:
                hook.remove()
        self._output_type = type(output)
        states = output.last_hidden_state
        if see is not None:
            see("final_norm", states)
        return states  # type: ignore[no-any-return]

    def head(self, states: Float[Tensor, "tokens width"]) -> Float[Tensor, "tokens vocabulary"]:
        """The model's logits for hidden states that `body` has returned."""
        self._hand_over.output = self._output_type(last_hidden_state=states.unsqueeze(0))
        placeholder = torch.zeros(1, len(states), dtype=torch.long, device=states.device)
        logits = self._model(input_ids=placeholder, use_cache=False).logits
        self._hand_over.output = None
        return logits.squeeze(0)  # type: ignore[no-any-return]


def shower(see: See, layer: str) -> Callable[..., None]:
    """A forward hook that shows a block's hidden states (some blocks return them first of several
    things)."""
    return lambda _, args, output: see(
        layer, output[0] if isinstance(output, tuple | list) else output
    )


def find_blocks(body: nn.Module, layers: int) -> nn.ModuleList:
    """The list of the model's blocks, by its length.

    Raises
    ------
    InputError
        If the body holds no list of that many modules.
    """
    for module in body.children():
        if isinstance(module, nn.ModuleList) and len(module) == layers:
            return module
    raise InputError(
        f"{type(body).__name__} keeps no list of its {layers} blocks: "
        "this architecture cannot be observed"
    )
