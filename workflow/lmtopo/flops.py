"""Floating-point operations of a decoder, counted from its matrix products.

One multiply-add counts as two operations. Per token of a sequence of length T, forward:

    2 M + 4 a T + 2 d V

M: parameters of the blocks' weight matrices, of experts those that a token meets; a: width of
attention (heads x head width), summed over blocks; d: width of the hidden states; V: vocabulary.
The second term is attention (queries times keys, then weights times values; the causal
mask saves nothing, as in PyTorch's counter), the third the unembedding. Backward takes twice the
forward. Norms, activations, softmax and what stands for attention elsewhere are left out.

Source: Kaplan et al. 2020, arXiv 2001.08361, section 2.1, with attention and unembedding
counted as in Hoffmann et al. 2022, arXiv 2203.15556, appendix F.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PretrainedConfig, PreTrainedModel


def forward_flops_per_token(
    *,
    matrix_parameters: int,
    layers: int,
    width: int,
    vocabulary: int,
    context: int,
    attention: int | None = None,
) -> int:
    """Operations of one token's forward pass in a sequence of length ``context``; ``attention``:
    its width, summed over blocks; None where in each it is that of the hidden states."""
    wide = layers * width if attention is None else attention
    return 2 * matrix_parameters + 4 * wide * context + 2 * width * vocabulary


def training_flops_per_token(
    *,
    matrix_parameters: int,
    layers: int,
    width: int,
    vocabulary: int,
    context: int,
    attention: int | None = None,
) -> int:
    """Operations of one token's forward and backward pass: three times the forward's."""
    return 3 * forward_flops_per_token(
        matrix_parameters=matrix_parameters,
        layers=layers,
        width=width,
        vocabulary=vocabulary,
        context=context,
        attention=attention,
    )


def gpt_neox_matrix_parameters(*, width: int, layers: int, mlp: int) -> int:
    """M of GPT-NeoX: queries, keys, values, output (4 d^2) and the MLP (2 d m), per block."""
    return layers * (4 * width * width + 2 * width * mlp)


def matrix_parameters(model: "PreTrainedModel") -> int:
    """M of any decoder: parameters with two dimensions that are no embedding, and of experts,
    which are stacked in parameters with three, as many as a token meets."""
    embeddings = {id(parameter) for parameter in embedding_parameters(model)}
    met = getattr(model.config, "num_experts_per_tok", None) or 0
    return sum(
        parameter.numel() if parameter.ndim == 2 else met * parameter[0].numel()
        for parameter in model.parameters()
        if parameter.ndim in (2, 3) and id(parameter) not in embeddings
    )


def attention_width(config: "PretrainedConfig") -> int:
    """Heads times head width, or where no head width is given, the width of the hidden states, of
    each block that has attention; some have none, or one that takes no pairs of tokens."""
    heads, head = (getattr(config, name, None) for name in ("num_attention_heads", "head_dim"))
    if heads is None:
        return 0
    kinds = getattr(config, "layer_types", None) or getattr(config, "layers_block_type", None)
    blocks = config.num_hidden_layers if not kinds else sum(map(attends, kinds))
    return int(blocks * (heads * head if head else config.hidden_size))


def attends(kind: str) -> bool:
    """Whether blocks of a kind, as transformers calls it, have attention between tokens."""
    return kind == "hybrid" or ("attention" in kind and "linear" not in kind)


def count_parameters(model: "PreTrainedModel") -> tuple[int, int]:
    """Parameters without embeddings and unembedding (as Pythia counts them), and all."""
    embeddings = {id(parameter): parameter.numel() for parameter in embedding_parameters(model)}
    total = sum(parameter.numel() for parameter in model.parameters())
    return total - sum(embeddings.values()), total


def embedding_parameters(model: "PreTrainedModel") -> list["Tensor"]:
    """Weights of every embedding (tokens, learned positions) and of the unembedding."""
    from torch.nn import Embedding

    weights = [module.weight for module in model.modules() if isinstance(module, Embedding)]
    unembedding = model.get_output_embeddings()
    if unembedding is not None and all(unembedding.weight is not weight for weight in weights):
        weights.append(unembedding.weight)
    return weights
