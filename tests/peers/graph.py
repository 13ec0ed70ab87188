"""What PyTorch gives for the models of tests/lib/recurrent_spec.lua: outputs, gradients of mean(y^2), statistics.

Writes tests/peers/graph.lua. Weights and inputs are sines of their index, so that both sides make them alike.
Run: python tests/peers/graph.py (the versions it was run with are in tests/peers.lock).
"""
import math
import os
import textwrap

import torch
import torch.nn.functional as F


def wave(shape, phase, scale, offset=0.0):
    n = math.prod(shape)
    return torch.tensor([offset + scale * math.sin(0.7 * i + phase) for i in range(n)]).reshape(shape)


class Weights(dict):
    """Parameters by name, made when they are first asked for."""

    def get(self, name, *shape):
        if name not in self:
            phase = sum(name.encode()) % 97
            offset = 1.0 if ".norm" in name and name.endswith("weight") else 0.0
            self[name] = wave(shape, phase, 0.3, offset).requires_grad_()
        return self[name]

    def conv(self, x, name, width, kernel, **options):
        groups = options.get("groups", 1)
        w = self.get(name + ".weight", width, x.shape[1] // groups, kernel, kernel)
        return F.conv2d(x, w, self.get(name + ".bias", width), **options)

    def dense(self, x, name, width):
        x = x.flatten(1)
        return F.linear(x, self.get(name + ".weight", width, x.shape[1]), self.get(name + ".bias", width))


class Statistics(dict):
    def norm(self, w, x, name, training=True, step=None, steps=None):
        c = x.shape[1]
        mean, var = self.setdefault(name, (torch.zeros(steps or 1, c), torch.ones(steps or 1, c)))
        i = step or 0
        weight, bias = (w.get(f"{name}.{k}", *((steps, c) if steps else (c,))) for k in ("weight", "bias"))
        if steps:
            weight, bias = weight[i], bias[i]
        return F.batch_norm(x, mean[i], var[i], weight, bias, training, 0.1, 1e-5)


def image(*shape):
    return wave(shape, 1.0, 1.0)


def residual(w, stats):
    def run(x, training):
        def block(x, name, width, stride):
            y = F.conv2d(x, w.get(name + ".conv1.weight", width, x.shape[1], 3, 3), stride=stride, padding=1)
            y = F.relu(stats.norm(w, y, name + ".norm1", training))
            y = F.conv2d(y, w.get(name + ".conv2.weight", width, width, 3, 3), padding=1)
            y = stats.norm(w, y, name + ".norm2", training)
            if x.shape != y.shape:
                x = F.conv2d(x, w.get(name + ".shortcut.conv1.weight", width, x.shape[1], 1, 1), stride=stride)
                x = stats.norm(w, x, name + ".shortcut.norm1", training)
            return F.relu(y + x)

        x = block(block(x, "V1.residual1", 2, 1), "V1.residual2", 3, 2)
        return w.dense(x.mean((2, 3)), "r.dense1", 2)

    y = run(image(2, 2, 5, 6), True)
    return y, {"evaluated": run(image(2, 2, 5, 6), False).detach()}


def normalised(w, stats):
    x = w.conv(image(2, 2, 4, 5), "A.conv1", 4, 3, padding=1)
    x = F.group_norm(x, 2, w.get("A.norm1.weight", 4), w.get("A.norm1.bias", 4))
    x = F.instance_norm(F.interpolate(x, size=(7, 6), mode="bilinear", align_corners=False))
    x = F.layer_norm(x, (4, 7, 6), w.get("A.norm3.weight", 4, 7, 6), w.get("A.norm3.bias", 4, 7, 6))
    x = F.layer_norm(x.permute(0, 2, 3, 1), (4,), w.get("A.norm4.weight", 4), w.get("A.norm4.bias", 4))
    x = F.interpolate(x.permute(0, 3, 1, 2), scale_factor=2, mode="nearest")
    return w.conv(x, "A.conv2", 2, 3, stride=3), {}


def serial(w, stats, steps=3):
    """Feedback from V2 to V1 and a lateral within V1; the feedback and lateral are added before V1's relu."""
    x, v1, v2 = image(2, 1, 6, 6), None, None
    for t in range(steps):
        drive = stats.norm(w, w.conv(x, "V1.conv1", 3, 3, padding=1), "V1.norm1", True, t, steps)
        if t > 0:
            drive = drive + w.conv(F.interpolate(v2, size=(6, 6)), "feedback1.conv1", 3, 3, padding=1)
            drive = drive * (1 + w.conv(v1, "lateral1.conv1", 3, 1))
        v1 = F.relu(drive)
        v2 = torch.tanh(w.conv(F.max_pool2d(v1, 2), "V2.conv1", 2, 3, padding=1))
    return w.dense(v2, "r.dense1", 3), {}


def parallel(w, stats, steps=4):
    """Areas see what the one before them gave at the last step, zero before the first; a sequence as input; the top
    area's channels beside V2's input with a delay of 2; the readout is the mean over steps."""
    x, v1s, v2s, out = image(2, steps, 1, 5, 5), [], [], []
    for t in range(steps):
        before = v1s[t - 1] if t > 0 else torch.zeros(2, 2, 5, 5)
        back = torch.tanh(w.conv(v2s[t - 2], "back.conv1", 2, 1)) if t > 1 else torch.zeros(2, 2, 5, 5)
        v1s.append(torch.tanh(w.conv(x[:, t], "V1.conv1", 2, 3, padding=1)))
        v2s.append(F.relu(w.conv(torch.cat([before, back], 1), "V2.conv1", 3, 3, padding=1)))
        out.append(w.dense(v2s[t].mean((2, 3)), "r.dense1", 2))
    return torch.stack(out, 1).mean(1), {}


def numbers(t):
    text = "{ " + ", ".join(f"{v:.9g}" for v in t.detach().flatten().tolist()) + " }"
    return textwrap.fill(text, 110, initial_indent=" " * 50, subsequent_indent=" " * 8, break_on_hyphens=False).lstrip()


def main():
    torch.set_default_dtype(torch.float64)
    lines = [f"-- Made by tests/peers/graph.py with PyTorch {torch.__version__.split('+')[0]}; see there.", "return {"]
    for case in (residual, normalised, serial, parallel):
        w, stats = Weights(), Statistics()
        y, extra = case(w, stats)
        (y * y).mean().backward()
        lines += [f"  {case.__name__} = {{", f"    output = {numbers(y)},", "    gradients = {"]
        lines += [f'      ["{name}"] = {numbers(p.grad)},' for name, p in w.items()]
        lines += ["    },", "    buffers = {"]
        for name, (mean, var) in stats.items():
            lines += [f'      ["{name}.mean"] = {numbers(mean)},', f'      ["{name}.variance"] = {numbers(var)},']
        lines += ["    },"] + [f"    {name} = {numbers(t)}," for name, t in extra.items()] + ["  },"]
    path = os.path.join(os.path.dirname(__file__), "graph.lua")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines + ["}", ""]))


main()
