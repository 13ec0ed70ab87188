"""Random architectures (tests/peers/architectures.lua) built in PyTorch: outputs and all gradients, in float64.

  python tests/peers/architectures.py build/lamina            writes tests/peers/architectures.json: 60 architectures of
                                                              seed 1, and for each tensor what the spec compares
  python tests/peers/architectures.py build/lamina SEED N     draws N others and compares whole tensors

A tensor has no numbers to agree on where PyTorch in float64 is farther than 2e-5 of the largest element from PyTorch in
float32, as it is or with inputs and weights moved by 1 or 2e-7 of their size, or where it is 0 but for rounding. An
architecture that holds such a one is passed over, but for its other tensors, which are compared. How many were is
printed. The versions it was run with are in tests/peers.lock.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from architectures_layers import (GATES, activation, conv, elements, is_activation, norm, padded, pool, recurrent,
                                  resized, spread, values, weight_of, winners)

HERE = os.path.dirname(os.path.abspath(__file__))


class Net:
    """One architecture: parameters and buffers by name, and a pass over a batch."""

    def __init__(self, a, dtype, noise=0.0):
        """noise: how far, relatively, parameters, buffers and inputs are moved (by numbers of their own)."""
        self.noise = noise
        self.a, self.dtype, self.training, self.time, self.p = a, dtype, a["training"], 0, {}
        buffers = ("mean", "variance")
        for p in a["parameters"]:
            t = self.moved(values(p["name"], p["shape"], dtype, p["scale"], p["offset"]), p["name"])
            self.p[p["name"]] = t if p["name"].rsplit(".", 1)[1] in buffers else t.requires_grad_()

    def moved(self, t, name):
        return t * (1 + self.noise * torch.tensor(elements("noise " + name, 0, t.numel())).reshape(t.shape).to(t.dtype))

    def get(self, layer, name):
        own = layer + "." + name
        found = [t for full, t in self.p.items() if full == own or full.endswith("." + own)]
        assert len(found) == 1, (layer, name, list(self.p))
        return found[0]

    def layer(self, d, x):
        word, name, o = d["word"], d["name"].replace(".", "_"), d["options"] or {}
        first, _, second = word.partition(".")

        def get(what):
            return self.get(name, what)

        if first == "pool":
            return pool(x, second, o, get)
        if first == "norm":
            return norm(x, second, o, get, self.training, self.time)
        if word in ("conv", "conv_transpose", "untied"):
            return conv(x, word, o, get)
        if word == "dense":
            return F.linear(x.flatten(1), weight_of(get, o), get("bias"))
        if word in ("rnn", "lstm", "gru"):
            return recurrent(x, word, o, get)
        if word == "prelu":
            return F.prelu(x, get("weight"))
        if word == "residual":
            return self.residual(d, x)
        if word in ("add", "multiply", "concat"):
            ys = [self.chain(branch, x) for branch in d["branches"]]
            return torch.cat(ys, 1) if word == "concat" else ys[0] + ys[1] if word == "add" else ys[0] * ys[1]
        if word == "glu":
            return x[:, :x.shape[1] // 2] * GATES[o["gate"]](x[:, x.shape[1] // 2:])
        if word == "maxout":
            return x.reshape(x.shape[0], -1, o["pieces"], *x.shape[2:]).max(2).values
        if word == "compete.softmax":
            return torch.softmax(x * o["beta"], 1)
        if word == "compete.k_winners":
            return winners(x, o["k"])
        if word == "resize":
            return resized(x, o["size"], o["mode"])
        if word == "upsample":
            return resized(x, [o["scale"] * s for s in x.shape[2:]], o["mode"])
        if word == "pad":
            return padded(x, spread(o["margin"], 2), spread(o["after"], 2), o["mode"], o["value"])
        if word == "crop":
            h, w = o["size"]
            top, left = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
            return x[:, :, top:top + h, left:left + w]
        return activation(x, word, o)

    def residual(self, d, x):
        y, kind, around = self.chain(d["items"], x), d["shortcut"], x
        if isinstance(kind, list):
            around = self.chain(kind, x)
        elif x.shape != y.shape:
            s = -(-x.shape[2] // y.shape[2]) if x.dim() > 2 else 1
            prefix = d["name"].replace(".", "_") + ".shortcut."
            if kind == "project":
                w = self.get(prefix + ("conv1" if x.dim() > 2 else "dense1"), "weight")
                normalised = any(full.endswith(prefix + "norm1.weight") for full in self.p)
                bias = None if normalised else self.get(prefix + "conv1", "bias")
                around = F.conv2d(x, w, bias, stride=s)
                if normalised:
                    o = {"affine": True}
                    around = norm(around, "batch", o, lambda what: self.get(prefix + "norm1", what), self.training)
            else:
                around = x[:, :, ::s, ::s]
                around = F.pad(around, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        y = y + around
        return self.layer(d["after"], y) if d.get("after") else y

    def chain(self, items, x):
        for d in items:
            x = self.layer(d, x)
        return x

    # ---- areas over time -------------------------------------------------------------------------------------------

    def join(self, x, c, history, t):
        at = t - c["delay"]
        source = history[c.get("from") or c["at"]]
        if at < 0:
            if c["combine"] != "concat":
                return x
            n = next(p["shape"][0] for p in self.a["parameters"] if p["name"].startswith(c["name"] + "."))
            return F.pad(x, (0, 0, 0, 0, 0, n))
        y = source[at]
        if c.get("resize") and y.shape[2:] != x.shape[2:]:
            y = resized(y, list(x.shape[2:]), c["resize"])
        y = self.chain(c["items"], y)
        return x + y if c["combine"] == "add" else x * (1 + y) if c["combine"] == "multiply" else torch.cat([x, y], 1)

    def area(self, block, x, history, t):
        mine = [c for c in self.a.get("connections") or [] if (c.get("to") or c.get("at")) == block["name"]]
        for c in mine:
            x = self.join(x, c, history, t) if c["combine"] == "concat" else x
        waiting = [c for c in mine if c["combine"] != "concat"]
        for d in block["items"]:
            if waiting and is_activation(d):
                for c in waiting:
                    x = self.join(x, c, history, t)
                waiting = []
            x = self.layer(d, x)
        for c in waiting:
            x = self.join(x, c, history, t)
        return x

    def source(self, block, before, x, history, t):
        names = block.get("from") or before
        parallel = self.a.get("update") == "parallel"

        def one(name):
            if name == "input":
                return x
            if not parallel:
                return history[name][t]
            if t > 0:
                return history[name][t - 1]
            return torch.zeros(x.shape[0], *self.shapes[name], dtype=x.dtype)

        if isinstance(names, str):
            return one(names)
        ys = [one(name) for name in names]
        kind = block.get("combine")
        return torch.cat(ys, 1) if kind == "concat" else ys[0] + ys[1] if kind == "add" else ys[0] * ys[1]

    def run(self, x, training):
        a, self.training, out = self.a, training, []
        history = {block["name"]: [] for block in a["areas"]}
        self.shapes = a.get("shapes") or {}
        for t in range(a.get("steps") or 1):
            self.time, before = t, "input"
            now = x[:, t] if a.get("sequence") else x
            for block in a["areas"]:
                y = self.area(block, self.source(block, before, now, history, t), history, t)
                history[block["name"]].append(y)
                before = block["name"]
            out.append(self.chain(a["readout"]["items"], y) if a.get("readout") else y)
        kind = (a.get("readout") or {}).get("steps") or "last"
        return out[-1] if kind == "last" else torch.stack(out, 1) if kind == "all" else sum(out) / len(out)

    def results(self):
        a = self.a
        shape = [a["batch"]] + ([a["steps"]] if a.get("sequence") else []) + a["input"]
        x = self.moved(values("input", shape, self.dtype), "input").requires_grad_()
        y = self.run(x, a["training"])
        (y * values("cotangent", y.shape, self.dtype)).sum().backward()
        found = {"output": y.detach(), "input": x.grad}
        buffers = [name for name, t in self.p.items() if not t.requires_grad]
        for name, t in self.p.items():
            t.grad = t.grad if name in buffers or t.grad is not None else torch.zeros_like(t)
            found[name] = t.detach().clone() if name in buffers else t.grad
        if buffers:
            with torch.no_grad():
                found["evaluated"] = self.run(x.detach(), False)
        return found


# ---- comparing ------------------------------------------------------------------------------------------------------

def apart(a, b):
    return float((a.double() - b).abs().max() / b.abs().max().clamp_min(1e-300))


def shaky(a, exact):
    """The names of tensors without numbers to agree on."""
    largest = max(float(t.abs().max()) for t in exact.values())
    others = [Net(a, torch.float32, noise).results() for noise in (0, 1e-7, 2e-7, -1e-7)]
    return {name for name, t in exact.items()
            if not float(t.abs().max()) >= max(1e-7 * largest, 1e-12)
            or not all(apart(other[name], t) < 2e-5 for other in others)}


def digest(name, t):
    v = t.detach().double().reshape(-1).numpy()
    n, names = v.size, [f"{name} {i}" for i in (1, 2)]
    at = [int((u + 1) / 2 * n) for u in elements(names[0], 1000001, min(8, n))]
    sums = [float((np.where(elements(k, 0, n) < 0, -1.0, 1.0) * v).sum()) for k in names]
    return {"count": n, "length": round9(np.sqrt((v * v).sum())), "sums": [round9(s) for s in sums],
            "elements": [round9(v[i]) for i in at], "largest": round9(np.abs(v).max())}


def round9(v):
    return float(f"{float(v):.9g}")


def candidates(lamina, seed, first, last):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([lamina, os.path.join(HERE, "architectures.lua"), folder, str(seed), str(first), str(last)],
                       check=True)
        with open(os.path.join(folder, "architectures.json"), encoding="utf-8") as file:
            for a in json.load(file):
                yield a, load_file(os.path.join(folder, a["name"] + ".safetensors"))


def main():
    torch.set_num_threads(1)
    lamina, seed, wanted = sys.argv[1], 1, 60
    store = len(sys.argv) == 2
    if not store:
        seed, wanted = int(sys.argv[2]), int(sys.argv[3])
    kept, passed, wrong, worst = [], 0, 0, 0.0
    for a, ours in candidates(lamina, seed, 1, 2 * wanted):
        exact = Net(a, torch.float64).results()
        out = shaky(a, exact)
        for name in exact.keys() - out:
            t = exact[name]
            off = apart(ours[name], t) if name in ours and ours[name].shape == t.shape else math.inf
            worst = max(worst, off)
            if not off <= 1e-4:
                wrong += 1
                print(f"{a['name']}: {name}: off by {off:.2g} of {float(t.abs().max()):.3g} in {json.dumps(a)}")
        if out:
            passed += 1
        else:
            assert set(ours) == set(exact), (a["name"], set(ours) ^ set(exact))
            kept.append({"architecture": a, "tensors": {name: digest(name, t) for name, t in exact.items()}})
        if len(kept) == wanted:
            break
    tensors = sum(len(k["tensors"]) for k in kept)
    print(f"{len(kept)} architectures, {tensors} tensors, {wrong} apart, largest difference {worst:.2g}; {passed} passed "
          "over")
    if store and not wrong:
        with open(os.path.join(HERE, "architectures.json"), "w", encoding="utf-8") as file:
            rows = ",\n".join(json.dumps(k, separators=(",", ":")) for k in kept)
            file.write(f'{{"torch":"{torch.__version__.split("+")[0]}","architectures":[\n{rows}\n]}}\n')
    return 1 if wrong or len(kept) < wanted else 0


if __name__ == "__main__":
    sys.exit(main())
