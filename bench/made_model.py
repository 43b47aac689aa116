"""Networks made for the benchmarks in Python, with seeded weights: recurrent layers of one width and a linear head on the last step.

The same shapes as in made_model.hpp. Everything is float32, as a user's model is.
"""
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    cell: str = "LSTM"
    inputs: int = 32
    hidden: int = 64
    layers: int = 1
    outputs: int = 10
    batch: int = 1
    steps: int = 32
    gain: float = 1.0  # weights are PyTorch's initial ones times this

    def but(self, **changes) -> "Shape":
        return replace(self, **changes)


class Made(nn.Module):
    def __init__(self, cell: str, inputs: int, hidden: int, layers: int, outputs: int):
        super().__init__()
        self.rnn = nn.LSTM(inputs, hidden, layers, batch_first=True) if cell == "LSTM" else nn.GRU(inputs, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x [batch, steps, inputs] -> [batch, outputs]."""
        states, _ = self.rnn(x)
        return self.head(states[:, -1])


def make(shape: Shape) -> tuple[Made, Tensor]:
    """The module in evaluation mode and its inputs [batch, steps, inputs], standard normal."""
    torch.manual_seed(1)
    module = Made(shape.cell, shape.inputs, shape.hidden, shape.layers, shape.outputs).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(shape.gain)
    return module, torch.randn(shape.batch, shape.steps, shape.inputs, generator=torch.Generator().manual_seed(2))


def save(module: Made, inputs: Tensor, folder: Path) -> list:
    """Writes both; returns Heft's arguments that name them."""
    torch.jit.script(module).save(str(folder / "model.pt"))
    torch.save(inputs, folder / "inputs.pt")
    return [folder / "model.pt", "--inputs", folder / "inputs.pt"]


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in module.named_parameters()}
