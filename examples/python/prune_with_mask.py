#!/usr/bin/env python3
"""Prunes a PyTorch module with the mask that heft mask wrote, by torch.nn.utils.prune, and trains on.

    heft mask RUN --keep 0.5 -o mask.safetensors
    examples/python/prune_with_mask.py MODEL INPUTS mask.safetensors

MODEL and INPUTS are those of weather-gru, which ships with Heft; put your own module in the place of Forecast. Needs torch
and safetensors.
"""
import sys

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils import prune


class Forecast(nn.Module):
    """What weather-gru.pt was scripted from."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(11, 32, batch_first=True)
        self.head = nn.Linear(32, 4)

    def forward(self, days):
        """days [batch, days, features] -> tomorrow [batch, 4]"""
        return days[:, -1, :4] + self.head(self.rnn(days)[0][:, -1])


def prune_by(module: nn.Module, mask: dict) -> None:
    """From here on each pruned parameter is NAME_orig, which trains, times NAME_mask, which stays."""
    for name, kept in mask.items():
        if not kept.all():
            owner, _, parameter = name.rpartition(".")
            prune.custom_from_mask(module.get_submodule(owner), parameter, kept)


def main() -> None:
    model, inputs, mask = sys.argv[1:]
    module, days, kept = Forecast(), load_file(inputs)["days"], load_file(mask)
    module.load_state_dict(torch.jit.load(model).state_dict())
    with torch.no_grad():
        whole = module(days)

    prune_by(module, kept)
    with torch.no_grad():
        moved = (module(days) - whole).square().mean().sqrt()
    removed = sum(int((~one).sum()) for one in kept.values())
    print(f"{removed:,} weights pruned; the output moves by {moved:.6f} (rms)")

    optimiser = torch.optim.Adam(module.parameters(), 1e-3)
    for _ in range(20):
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(module(days), whole)  # your own loss, on your own data
        loss.backward()
        optimiser.step()
    print(f"trained on, it moves by {loss.sqrt():.6f}")

    for name, one in kept.items():  # plain parameters again, with zeros where the mask has them
        if not one.all():
            owner, _, parameter = name.rpartition(".")
            prune.remove(module.get_submodule(owner), parameter)
    zeros = all((module.get_parameter(name)[~one] == 0).all() for name, one in kept.items())
    print("what was pruned is zero" if zeros else "what was pruned has come back")


if __name__ == "__main__":
    main()
