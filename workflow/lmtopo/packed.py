"""Linear layers with weights laid out once for oneDNN, for passes on a CPU.

PyTorch's own ``linear`` hands a float32 product to MKL, which lays out the weights anew in each
call and is slow on CPUs that are not Intel's. oneDNN takes weights that were laid out before; and
where a CPU has no bfloat16 instructions, it is given bfloat16 values as float32 (sums are float32
either way, and the result is rounded to bfloat16), which is several times faster than to emulate
them.

Source: ``torch/_inductor/fx_passes/mkldnn_fusion.py``, which does the same for compiled models
"""

import platform
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

Layout = Literal["plain", "packed"]


class PackedLinear(nn.Linear):
    """y = x W^T + b for x of any leading shape, with W of shape (out, in) kept packed in
    ``held``, the dtype of the product."""

    def __init__(
        self,
        weight: Float[Tensor, "out in"],
        bias: Float[Tensor, " out"] | None,
        held: torch.dtype,
    ) -> None:
        nn.Module.__init__(self)
        self.out_features, self.in_features = weight.shape
        self._dtype = weight.dtype
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach().to(held))
        self._bias = None if bias is None else bias.detach().to(held)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """A copy of the weights as they were, for models that look at them."""
        dense: Tensor = self._packed.to_dense()
        return dense.to(self._dtype)

    @property
    def bias(self) -> Tensor | None:  # type: ignore[override]
        return None if self._bias is None else self._bias.to(self._dtype)

    def forward(self, x: Float[Tensor, "*rows in"]) -> Float[Tensor, "*rows out"]:
        y = torch.ops.mkldnn._linear_pointwise(
            x.to(self._packed.dtype), self._packed, self._bias, "none", [], ""
        )
        return y.to(self._dtype)  # type: ignore[no-any-return]


def chosen(linear: str, device: torch.device) -> Layout:
    """What ``quality.linear`` means on this device, ``packed`` or ``plain``: ``auto`` packs on
    x86 CPUs with AVX2. On a GPU nothing is packed.

    The rule looks at the CPU, never at a clock, so that the same machine always computes alike.
    """
    if device.type != "cpu":
        return "plain"
    if linear == "auto":
        x86 = platform.machine().lower() in ("x86_64", "amd64")
        capable = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
        return "packed" if x86 and capable and torch.backends.mkldnn.is_available() else "plain"
    return "packed" if linear == "packed" else "plain"


def product_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which packed layers multiply: float32, or bfloat16 where the layers are and
    the CPU has instructions for it."""
    native = dtype == torch.bfloat16 and torch.cpu._is_avx512_bf16_supported()
    return dtype if native else torch.float32


def pack(model: nn.Module) -> None:
    """Replace the model's linear layers (``nn.Linear``, and GPT-2's ``Conv1D``) by packed ones;
    subclasses of them, which may compute something else, stay."""
    made: dict[nn.Module, PackedLinear] = {}
    for parent in list(model.modules()):
        for name, module in list(parent.named_children()):
            if type(module) in (nn.Linear, Conv1D):
                if module not in made:
                    made[module] = packed(module)
                setattr(parent, name, made[module])


def packed(module: Any) -> PackedLinear:
    """The packed layer of a plain one; ``Conv1D`` keeps its weights as (in, out)."""
    weight = module.weight.T.contiguous() if type(module) is Conv1D else module.weight
    return PackedLinear(weight, module.bias, product_dtype(weight.dtype))
