"""The other side of bench.lua, in PyTorch: reads a workload as a line of JSON, answers with seconds.

Each line of standard input is {"workload": {...}, "seconds": S}; the answer is the mean time of one repetition over
at least S seconds, as a line on standard output. A first line {"hello": THREADS} is answered by what PyTorch is.
{"memory": N, "workload": {...}} asks for the largest resident size, in kB, after N steps. Workloads are made once and
kept. The networks are those of workloads.lua.
"""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

made = {}


def matmul(w):
    dtype = getattr(torch, w["dtype"])

    def operand(rows, columns, turned):
        shape = [columns, rows] if turned else [rows, columns]
        t = torch.randn(([w["batch"]] if w.get("batch") else []) + shape, dtype=dtype)
        return t.transpose(-2, -1) if turned else t

    a, b = operand(w["m"], w["k"], w.get("ta")), operand(w["k"], w["n"], w.get("tb"))
    return lambda: torch.matmul(a, b)


def conv(w):
    x = torch.randn(w["n"], w["c"], w["h"], w["w"])
    f = torch.randn(w["o"], w["c"] // w["groups"], w["kernel"], w["kernel"])

    def run():
        return F.conv2d(x, f, stride=w["stride"], padding=w["pad"], groups=w["groups"])

    if w["pass"] == "forward":
        return run
    dy = torch.randn_like(run())
    x.requires_grad_()
    f.requires_grad_()

    def both():
        run().backward(dy)
        x.grad = f.grad = None

    return both


class Block(nn.Module):
    def __init__(self, inward, width, stride, project):
        super().__init__()
        self.conv1 = nn.Conv2d(inward, width, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.stride, self.pad = stride, width - inward
        self.project = None
        if stride > 1 and project:
            self.project = nn.Sequential(nn.Conv2d(inward, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        if self.project is not None:
            x = self.project(x)
        elif self.stride > 1:
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.pad))
        return F.relu(y + x, inplace=True)


class Recurrent(nn.Module):
    def __init__(self, kind, units):
        super().__init__()
        self.cells, self.out = kind(units, units), nn.Linear(units, 10)

    def forward(self, x):
        return self.out(self.cells(x)[0][-1])


class Encoder(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        block = nn.TransformerEncoderLayer(512, 8, 2048, dropout, batch_first=True)
        self.blocks = nn.TransformerEncoder(block, 6, enable_nested_tensor=False)
        self.out = nn.Linear(512, 10)

    def forward(self, x):
        return self.out(self.blocks(x)[:, 0])


class CORblock(nn.Module):
    """A block of CORnet-S: the bottleneck that runs `times` times, with normalisation of each time's own."""

    def __init__(self, inward, width, times):
        super().__init__()
        self.times, wide = times, 4 * width
        self.conv_input = nn.Conv2d(inward, width, 1, bias=False)
        self.skip, self.norm_skip = nn.Conv2d(width, width, 1, 2, bias=False), nn.BatchNorm2d(width)
        self.conv1, self.conv3 = nn.Conv2d(width, wide, 1, bias=False), nn.Conv2d(wide, width, 1, bias=False)
        self.conv2 = nn.Conv2d(wide, wide, 3, 2, 1, bias=False)
        self.norms = nn.ModuleList(nn.ModuleList([nn.BatchNorm2d(wide), nn.BatchNorm2d(wide), nn.BatchNorm2d(width)])
                                   for _ in range(times))

    def forward(self, x):
        x = self.conv_input(x)
        for t, (norm1, norm2, norm3) in enumerate(self.norms):
            around = self.norm_skip(self.skip(x)) if t == 0 else x
            y = F.relu(norm1(self.conv1(x)), inplace=True)
            y = F.conv2d(y, self.conv2.weight, None, 2 if t == 0 else 1, 1)
            y = F.relu(norm2(y), inplace=True)
            x = F.relu(norm3(self.conv3(y)) + around, inplace=True)
        return x


def stage(inward, width, count, stride, project):
    return [Block(inward if i == 0 else width, width, stride if i == 0 else 1, project) for i in range(count)]


def network(w):
    name, batch = w["net"], w["batch"]
    if name == "LeNet":
        net = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(True), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5),
                            nn.ReLU(True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(True),
                            nn.Linear(120, 84), nn.ReLU(True), nn.Linear(84, 10))
        return net, (batch, 1, 28, 28), 10
    if name == "AlexNet":
        net = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(True),
            nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(True), nn.Conv2d(384, 256, 3, 1, 1),
            nn.ReLU(True), nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Flatten(), nn.Dropout(),
            nn.Linear(9216, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(True),
            nn.Linear(4096, 1000))
        return net, (batch, 3, 224, 224), 1000
    if name == "ResNet-18":
        net = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(True), nn.MaxPool2d(3, 2, 1),
            *stage(64, 64, 2, 1, True), *stage(64, 128, 2, 2, True), *stage(128, 256, 2, 2, True),
            *stage(256, 512, 2, 2, True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))
        return net, (batch, 3, 224, 224), 1000
    if name == "ResNet-20":
        net = nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True), *stage(16, 16, 3, 1, False),
            *stage(16, 32, 3, 2, False), *stage(32, 64, 3, 2, False), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(64, 10))
        return net, (batch, 3, 32, 32), 10
    if name == "MLP":
        net = nn.Sequential(nn.Linear(1024, 1024), nn.ReLU(True), nn.Linear(1024, 1024), nn.ReLU(True),
                            nn.Linear(1024, 1024))
        return net, (batch, 1024), 1024
    if name == "Transformer":
        return Encoder(w["dropout"]), (batch, 128, 512), 10
    if name == "ViT-mini":
        from torchvision.models.vision_transformer import VisionTransformer
        net = VisionTransformer(image_size=28, patch_size=7, num_layers=4, num_heads=4, hidden_dim=64, mlp_dim=128,
                                num_classes=10)
        net.conv_proj = nn.Conv2d(1, 64, 7, 7)
        return net, (batch, 1, 28, 28), 10
    if name == "CORnet-S":
        net = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(True), nn.MaxPool2d(3, 2, 1),
            nn.Conv2d(64, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(True), CORblock(64, 128, 2),
            CORblock(128, 256, 4), CORblock(256, 512, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))
        return net, (batch, 3, 224, 224), 1000
    if name in ("RNN", "LSTM"):
        return Recurrent(getattr(nn, name), w["units"]), (100, batch, w["units"]), 10
    raise ValueError(f"unknown network {name}")


def train(w):
    net, shape, classes = network(w)
    dim = 1 if w["net"] in ("RNN", "LSTM") else 0  # of the items
    count = w["batch"] if dim or (len(shape) == 4 and shape[-1] > 32) else max(2048, w["batch"])
    x = torch.randn(*shape[:dim], count, *shape[dim + 1:])
    y = torch.randint(0, classes, (count,))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, foreach=True)

    def step():
        pick = torch.randint(0, count, (w["batch"],))
        optimizer.zero_grad()
        F.cross_entropy(net(x if dim else x[pick]), y if dim else y[pick]).backward()
        optimizer.step()

    return step


def infer(w):
    net, shape, _ = network(w)
    net.eval()
    x = torch.randn(shape)

    def step():
        with torch.inference_mode():
            net(x)

    return step


MAKE = {"matmul": matmul, "conv": conv, "train": train, "infer": infer}


def measure(work, seconds):
    repetitions, start = 0, time.perf_counter()
    while True:
        work()
        repetitions += 1
        taken = time.perf_counter() - start
        if taken >= seconds:
            return taken / repetitions


for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        torch.set_num_threads(request["hello"])
        torch.manual_seed(1)
        print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, oneDNN "
              f"{'on' if torch.backends.mkldnn.is_available() else 'off'}, {torch.get_num_threads()} threads", flush=True)
        continue
    workload = request["workload"]
    if "memory" in request:
        step = MAKE[workload["kind"]](workload)
        for _ in range(request["memory"]):
            step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
        continue
    if workload["name"] not in made:
        made.clear()
        made[workload["name"]] = MAKE[workload["kind"]](workload)
        measure(made[workload["name"]], request["seconds"])
    print(measure(made[workload["name"]], request["seconds"]), flush=True)
