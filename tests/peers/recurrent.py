"""Prints the tables of tests/runtime/ops/recurrent_torch.h: outputs and gradients of torch.nn.RNN, LSTM and GRU in
float64 (the version in tests/peers.lock). Inputs are element(i, step) below, which the test computes as well."""
import torch
from torch import nn

T, B, F, H = 3, 2, 2, 3


def element(i, step):
    return ((i * 37 + step * 101 + 13) % 64 - 31.5) / 40


def filled(step, *shape):
    n = 1
    for size in shape:
        n *= size
    return torch.tensor([element(i, step) for i in range(n)], dtype=torch.float64).reshape(shape)


def row(name, t):
    print(f"      {{{', '.join(repr(v) for v in t.detach().reshape(-1).tolist())}}}, /* {name} */")


print("/* Made by tests/peers/recurrent.py. */")
print(f"/* time {T}, batch {B}, features {F}, units {H}; rows as the comments say */")
for word, make, reverse in [("rnn", nn.RNN, 0), ("rnn_relu", lambda f, h: nn.RNN(f, h, nonlinearity="relu"), 0),
                            ("lstm", nn.LSTM, 0), ("gru", nn.GRU, 0), ("lstm_reverse", nn.LSTM, 1)]:
    net = make(F, H).double()
    for step, p in enumerate([net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0, net.bias_hh_l0]):
        p.data = filled(step + 1, *p.shape)
    x = filled(0, T, B, F).requires_grad_()
    state, cell = filled(5, 1, B, H).requires_grad_(), filled(6, 1, B, H).requires_grad_()
    start = (state, cell) if word.startswith("lstm") else state
    y, last = net(x.flip(0) if reverse else x, start)
    y = y.flip(0) if reverse else y
    lasts = list(last) if isinstance(last, tuple) else [last]
    loss = (y * filled(7, *y.shape)).sum() + sum((t * filled(8 + i, *t.shape)).sum() for i, t in enumerate(lasts))
    loss.backward()
    print(f"static const double torch_{word}[][{max(4 * H * H, T * B * H)}] = {{")
    row("y", y)
    for name, t in zip(["state", "cell"], lasts):
        row(name, t)
    row("dx", x.grad)
    for name, p in zip(["dweight", "drecurrent", "dbias", "drecurrent_bias"], net.parameters()):
        row(name, p.grad)
    row("dstate", state.grad)
    if word.startswith("lstm"):
        row("dcell", cell.grad)
    print("};")
