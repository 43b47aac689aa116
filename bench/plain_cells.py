"""LSTM and GRU written step by step in plain operators, as torch.func.vmap needs them.

torch.nn.LSTM and torch.nn.GRU can't be used inside vmap over their weights: "Batching rule not implemented for aten::lstm.input".
Equations: the pages of torch.nn.LSTM and torch.nn.GRU.
"""
import torch
from torch import Tensor
from torch.nn.functional import linear


def lstm_layer(x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """x [batch, steps, inputs] -> the states [batch, steps, hidden]."""
    read = linear(x, w_ih, b_ih + b_hh)
    h = c = torch.zeros(x.shape[0], w_hh.shape[1], dtype=x.dtype)
    states = []
    for t in range(x.shape[1]):
        i, f, g, o = (read[:, t] + linear(h, w_hh)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states, 1)


def gru_layer(x: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """x [batch, steps, inputs] -> the states [batch, steps, hidden]."""
    read = linear(x, w_ih, b_ih)
    h = torch.zeros(x.shape[0], w_hh.shape[1], dtype=x.dtype)
    states = []
    for t in range(x.shape[1]):
        r, z, n = read[:, t].chunk(3, 1)
        r_h, z_h, n_h = linear(h, w_hh, b_hh).chunk(3, 1)
        z = (z + z_h).sigmoid()
        n = (n + (r + r_h).sigmoid() * n_h).tanh()
        h = n + z * (h - n)
        states.append(h)
    return torch.stack(states, 1)


def forward(weights: dict[str, Tensor], x: Tensor, cell: str) -> Tensor:
    """What made_model.Made returns, [batch, outputs], as a function of its parameters."""
    layer_of = lstm_layer if cell == "LSTM" else gru_layer
    layer = 0
    while f"rnn.weight_ih_l{layer}" in weights:
        x = layer_of(x, *(weights[f"rnn.{kind}_l{layer}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
        layer += 1
    return linear(x[:, -1], weights["head.weight"], weights["head.bias"])
