"""What a checkpoint has cost: the run columns of the tables, for the stages that load weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo import flops
from lmtopo.files import read_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def run_columns(
    run: Mapping[str, Any], folder: str, model: "PreTrainedModel", context: int
) -> dict[str, Any]:
    """The run columns of the tables, completed from the weights and, where the checkpoint comes
    from a run of ours, from what that run has written beside them (``resources.json``)."""
    from lmtopo.formats import checkpoints

    parameters, total = flops.count_parameters(model)
    spent = Path(folder) / "resources.json"
    if spent.is_file():
        resources = read_json(spent)
    else:
        per_token = flops.training_flops_per_token(
            matrix_parameters=flops.matrix_parameters(model),
            layers=model.config.num_hidden_layers,
            width=model.config.hidden_size,
            attention=flops.attention_width(model.config),
            vocabulary=model.config.vocab_size,
            context=checkpoints.positions(model.config.to_dict()) or context,
        )
        tokens = run["tokens"]
        resources = {
            "tokens": tokens,
            "unique_tokens": None,
            "flops": None if tokens is None else tokens * per_token,
        }
    return {**run, **resources, "parameters": parameters, "parameters_total": total}
