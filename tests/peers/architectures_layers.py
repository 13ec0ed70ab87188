"""The layers of tests/peers/architectures.py in PyTorch: d["word"] with options o; get(name) gives a parameter of the
layer. Numbers by name as tests/support/architectures.lua has them.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F


def key(name):
    h = 2166136261
    for b in name.encode():
        h = (h ^ b) * 16777619 & 0xFFFFFFFF
    return h


def elements(name, start, n):
    mask = np.uint64(0xFFFFFFFF)
    h = (np.arange(start, start + n, dtype=np.uint64) * np.uint64(0x9E3779B1) + np.uint64(key(name))) & mask
    h = (h ^ (h >> np.uint64(16))) * np.uint64(0x85EBCA6B) & mask
    h = (h ^ (h >> np.uint64(13))) * np.uint64(0xC2B2AE35) & mask
    return (h ^ (h >> np.uint64(16))).astype(np.float64) / 0x80000000 - 1


def values(name, shape, dtype, scale=1.0, offset=0.0):
    v = offset + scale * elements(name, 0, math.prod(shape))
    return torch.tensor(v.astype(np.float32)).to(dtype).reshape(list(shape))


def spread(size, n):
    return list(size) if isinstance(size, list) else [size] * n


# ---- windows of poolings --------------------------------------------------------------------------------------------

def geometry(x, o):
    kernel = spread(o["kernel"], 2)
    stride, pad = spread(o.get("stride", kernel), 2), spread(o.get("pad", 0), 2)
    dilation = spread(o.get("dilation", 1), 2)
    beyond = []
    for size, k, s, p, d in zip(x.shape[2:], kernel, stride, pad, dilation):
        room = size + 2 * p - (k - 1) * d - 1
        n = room // s + 1
        if o.get("ceil") and room % s and n * s < size + p:
            n += 1
        beyond.append(max(0, (n - 1) * s - room))
    return kernel, stride, pad, dilation, beyond


def windows(x, o, with_margin=False):
    kernel, stride, pad, dilation, beyond = geometry(x, o)
    around = (pad[1], pad[1] + beyond[1], pad[0], pad[0] + beyond[0])
    inside = torch.ones(1, 1, *x.shape[2:], dtype=x.dtype)
    inside = F.pad(inside, (pad[1], pad[1], pad[0], pad[0]), value=1.0 if with_margin else 0.0)
    inside = F.pad(inside, (0, beyond[1], 0, beyond[0]))

    def columns(t):
        y = F.unfold(t, kernel, dilation=dilation, stride=stride)
        return y.reshape(t.shape[0], t.shape[1], kernel[0] * kernel[1], -1)

    padded = F.pad(x, around)
    maps = [(padded.shape[i + 2] - (kernel[i] - 1) * dilation[i] - 1) // stride[i] + 1 for i in range(2)]
    return columns(padded), columns(inside) != 0, maps


def pool_lp(w, valid, order, mean):
    total = (w.abs() ** order).sum(2, keepdim=True)
    if mean:
        total = total / valid.sum(2, keepdim=True)
    some = total > 0
    return torch.where(some, torch.where(some, total, torch.ones_like(total)) ** (1 / order), 0 * total).sum(2)


def pool(x, word, o, get):
    def channels(t):
        return t.reshape(1, -1, 1, 1)

    kernel, stride, pad, dilation, _ = geometry(x, o) if "kernel" in o else [None] * 5
    if word == "max" and not o.get("ceil") and dilation == [1, 1]:  # with others the peer's backward has crashed
        return F.max_pool2d(x, kernel, stride, pad)
    if word == "avg" and dilation == [1, 1]:
        return F.avg_pool2d(x, kernel, stride, pad, bool(o.get("ceil")), o.get("count_pad", True))
    if word == "adaptive":
        return (F.adaptive_avg_pool2d if o["kind"] == "avg" else F.adaptive_max_pool2d)(x, spread(o["size"], 2))
    if word == "global":
        return x.mean((2, 3))
    if word == "energy":
        half = x.shape[1] // 2
        a, b = (x[:, 0::2], x[:, 1::2]) if o["pairs"] == "neighbours" else (x[:, :half], x[:, half:])
        x = a * a + b * b
    w, valid, maps = windows(x, o, word == "avg" and o.get("count_pad", True))
    if word == "max":
        y = w.masked_fill(~valid, -math.inf).max(2).values
    elif word in ("avg", "energy"):
        y = w.sum(2) / valid.sum(2)
    elif word == "lp":
        order = 1 + F.softplus(channels(get("order"))) if o.get("learn") else o["p"]
        y = pool_lp(w, valid, order, o["mean"])
    elif word in ("logsumexp", "softmax"):
        beta = torch.exp(channels(get("log_beta"))) if o.get("learn") else o["beta"]
        scaled = (w * beta).masked_fill(~valid, -math.inf)
        if word == "softmax":
            y = (torch.softmax(scaled, 2) * w).sum(2)
        else:
            y = torch.logsumexp(scaled, 2, keepdim=True)
            y = ((y - torch.log(valid.sum(2, keepdim=True).to(x.dtype)) if o["mean"] else y) / beta).sum(2)
    elif word == "saturating":
        away = [math.hypot(i - (kernel[0] - 1) / 2, k - (kernel[1] - 1) / 2)
                for i in range(kernel[0]) for k in range(kernel[1])]
        d = torch.tensor([o["decay"] ** a for a in away], dtype=torch.float64).to(x.dtype)
        y = (F.relu(w) * (d / d.sum()).reshape(1, 1, -1, 1)).sum(2)
        if o["inhibition"]:
            y = F.relu((1 + y) / (1 + y.mean(1, keepdim=True)) - 1)
        y = y / (y + 0.5)
    return y.reshape(*x.shape[:2], *maps)


# ---- layers ---------------------------------------------------------------------------------------------------------

def divisive(x, o, get):
    e = F.relu(x.abs() if o.get("drive") == "abs" else x)
    e = e * e
    flat = e.dim() == 2
    e = e[:, :, None, None] if flat else e
    c, kind = e.shape[1], o["pool"]
    if o.get("learn"):
        kh = o["kernel"]
        pooled = F.conv2d(e, get("weight"), padding=kh // 2, groups=c if kind == "space" else 1)
        gamma, half = get("gamma").reshape(1, -1, 1, 1), torch.exp(2 * get("log_sigma")).reshape(1, -1, 1, 1)
    else:
        gamma, half = 1, 1
        pooled = e if kind == "space" else e.mean(1, keepdim=True)
        if kind != "channels":
            k, s = o["kernel"], o.get("spread")
            at = torch.arange(k, dtype=torch.float64) - (k - 1) / 2
            w = torch.ones(k, dtype=torch.float64) if s is None else torch.exp(-at * at / (2 * s * s))
            w = (w[:, None] * w[None, :] / w.sum() ** 2).to(x.dtype)
            pooled = F.conv2d(pooled, w.expand(pooled.shape[1], 1, k, k), padding=k // 2, groups=pooled.shape[1])
    y = e * gamma / (pooled + half)
    return y[:, :, 0, 0] if flat else y


def norm(x, word, o, get, training=True, time=0):
    affine = word not in ("lrn", "divisive") and o.get("affine", True)
    weight, bias = (get("weight"), get("bias")) if affine else (None, None)
    if word == "batch":
        mean, variance = get("mean"), get("variance")
        if o.get("per_step"):
            weight, bias, mean, variance = (t[time] if t is not None else t for t in (weight, bias, mean, variance))
        return F.batch_norm(x, mean, variance, weight, bias, training, o.get("momentum", 0.1), 1e-5)
    if word == "layer":
        if o.get("dim") != "channels" or x.dim() == 2:
            return F.layer_norm(x, x.shape[1:], weight, bias)
        return F.layer_norm(x.movedim(1, -1), x.shape[1:2], weight, bias).movedim(-1, 1)
    if word in ("group", "instance"):
        return F.group_norm(x, o["groups"] if word == "group" else x.shape[1], weight, bias)
    if word == "lrn":
        return F.local_response_norm(x.flatten(2) if x.dim() > 2 else x[:, :, None], o["n"], o["alpha"] * o["n"], 0.75,
                                     2.0).reshape(x.shape)
    return divisive(x, o, get)


MODE = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # numpy's names; they repeat where F.pad refuses


def padded(x, before, after, mode, value=0.0):
    if mode in ("zero", "constant"):
        return F.pad(x, [size for pair in zip(reversed(before), reversed(after)) for size in pair], value=value)
    for dim, margin in enumerate(zip(before, after), 2):
        x = x.index_select(dim, torch.tensor(np.pad(np.arange(x.shape[dim]), margin, MODE[mode])))
    return x


def margins(x, o, n):
    kernel, stride, dilation = (spread(o.get(name, 1), n) for name in ("kernel", "stride", "dilation"))
    pad = o.get("pad", 0)
    if pad == "valid":
        pad = 0
    if pad != "same":
        return spread(pad, n), spread(pad, n)
    total = [max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
             for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation)]
    return [t // 2 for t in total], [t - t // 2 for t in total]


def weight_of(get, o):
    w = get("weight")
    if not o.get("weight_norm"):
        return w
    wide = [-1] + [1] * (w.dim() - 1)
    return w * (get("gain") / w.flatten(1).norm(dim=1)).reshape(wide)


def conv(x, word, o, get):
    n = x.dim() - 2
    stride, dilation, groups = spread(o.get("stride", 1), n), spread(o.get("dilation", 1), n), o.get("groups", 1)
    bias = get("bias") if o.get("bias", True) else None
    if word == "conv_transpose":
        w = get("weight")
        own, out = w.shape[1], w.shape[0] // groups
        w = w.reshape(groups, out, own, *w.shape[2:]).transpose(1, 2).reshape(groups * own, out, *w.shape[2:])
        run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]
        return run(x, w, bias, stride, spread(o["pad"], n), spread(o["output_pad"], n), groups, dilation)
    x = padded(x, *margins(x, o, n), o.get("mode", "zero"))
    if word == "conv":
        return (F.conv1d, F.conv2d, F.conv3d)[n - 1](x, weight_of(get, o), bias, stride, 0, dilation, groups)
    kernel = spread(o["kernel"], n)
    for i in range(n):
        x = x.unfold(2 + i, kernel[i], stride[i])
    positions, w = x.shape[2:2 + n], get("weight")
    w = w.reshape(o["width"], math.prod(positions), -1)
    seen = x.movedim(1, 1 + n).reshape(x.shape[0], math.prod(positions), -1)
    y = torch.einsum("npk,wpk->nwp", seen, w)
    y = y + bias.reshape(1, o["width"], -1) if bias is not None else y
    return y.reshape(x.shape[0], o["width"], *positions)


def recurrent(x, word, o, get):
    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[word]
    more = {"nonlinearity": o["nonlinearity"]} if word == "rnn" else {}
    made = module(x.shape[2], o["units"], o["layers"], bias=o["bias"], batch_first=True,
                  bidirectional=o["bidirectional"], dtype=x.dtype, **more)
    own = {}
    for k in range(o["layers"]):
        for direction in ("", "_reverse")[:1 + o["bidirectional"]]:
            ending = (f"_{k + 1}" if k else "") + direction
            for ours, theirs in [("weight", "weight_ih"), ("recurrent", "weight_hh"), ("bias", "bias_ih"),
                                 ("recurrent_bias", "bias_hh")][:4 if o["bias"] else 2]:
                own[f"{theirs}_l{k}{direction}"] = get(ours + ending)
    y, _ = torch.func.functional_call(made, own, (x,))
    units = o["units"]
    if o["steps"] == "all":
        return y
    return torch.cat([y[:, -1, :units], y[:, 0, units:]], 1)


def overlap(size, to, dtype):
    """The mean of the area that each of `to` new pixels covers, as a matrix."""
    m = torch.zeros(to, size, dtype=torch.float64)
    for i in range(to):
        low, high = i * size / to, (i + 1) * size / to
        for k in range(size):
            m[i, k] = max(0.0, min(high, k + 1) - max(low, k)) * to / size
    return m.to(dtype)


def resized(x, size, mode):
    if mode == "area":
        return overlap(x.shape[2], size[0], x.dtype) @ x @ overlap(x.shape[3], size[1], x.dtype).T
    more = {"align_corners": False} if mode == "bilinear" else {}
    return F.interpolate(x, size=size, mode=mode, **more)


def winners(x, k):
    index = torch.argsort(-x, dim=1, stable=True).narrow(1, 0, k)
    return torch.zeros_like(x).scatter(1, index, x.gather(1, index))


GATES = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "gelu": F.gelu, "silu": F.silu}

ACTIVATIONS = {
    **GATES, "identity": lambda x, o: x, "softplus": F.softplus, "selu": F.selu, "softsign": F.softsign,
    "relu6": F.relu6, "hard_tanh": F.hardtanh, "hard_sigmoid": F.hardsigmoid, "abs": torch.abs, "square": torch.square,
    "lecun_tanh": lambda x, o: 1.7159 * torch.tanh(2 * x / 3), "elu": lambda x, o: F.elu(x, o["alpha"]),
    "leaky_relu": lambda x, o: F.leaky_relu(x, o["slope"]), "power": lambda x, o: F.relu(x) ** o["n"],
    "naka_rushton": lambda x, o: F.relu(x) ** o["n"] / (o["sigma"] ** o["n"] + F.relu(x) ** o["n"]),
}


def activation(x, word, o):
    f = ACTIVATIONS[word]
    return f(x, o) if getattr(f, "__name__", "") == "<lambda>" else f(x)


def is_activation(d):
    return d["word"] in ACTIVATIONS and d["word"] != "identity" or d["word"] == "prelu"
