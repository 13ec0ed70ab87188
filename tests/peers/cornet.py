"""Narrow CORnets with random weights under the published names, and what PyTorch makes of pictures: the fixtures of
tests/lib/cornet_spec.lua. Run it as

    python tests/peers/cornet.py tests/fixtures/models

It writes cornet_z.safetensors, cornet_rt.safetensors, cornet_s.safetensors and cornet_outputs.safetensors, and prints
the parameters of the networks at their full width. The networks follow Kubilius et al. 2018 and their published code,
whose names of tensors they have.
"""
import sys
from collections import OrderedDict

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

AREAS = ["V1", "V2", "V4", "IT"]


def conv(inward, width, kernel, stride=1, bias=False):
    return nn.Conv2d(inward, width, kernel, stride, kernel // 2, bias=bias)


def decoder(width, classes):
    return nn.Sequential(OrderedDict(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),
                                     linear=nn.Linear(width, classes)))


def cornet_z(width, classes):
    areas, inward = OrderedDict(), 3
    for i, name in enumerate(AREAS):
        areas[name] = nn.Sequential(OrderedDict(
            conv=conv(inward, width * 2**i, 3 if i else 7, 1 if i else 2, True), nonlin=nn.ReLU(),
            pool=nn.MaxPool2d(3, 2, 1)))
        inward = width * 2**i
    return nn.Sequential(OrderedDict(**areas, decoder=decoder(inward, classes)))


class AreaRT(nn.Module):
    def __init__(self, inward, width, kernel, stride, groups):
        super().__init__()
        self.conv_input, self.norm_input = conv(inward, width, kernel, stride, True), nn.GroupNorm(groups, width)
        self.conv1, self.norm1 = conv(width, width, 3), nn.GroupNorm(groups, width)

    def drive(self, x):
        return F.relu(self.norm_input(self.conv_input(x)))

    def forward(self, drive, state):
        return F.relu(self.norm1(self.conv1(drive + state)))


class CORnetRT(nn.Module):
    """Every area sees what the one before it gave a step ago; at the first step only V1 sees anything."""

    def __init__(self, width, classes, groups=32, times=5):
        super().__init__()
        inward, self.times = 3, times
        for i, name in enumerate(AREAS):
            setattr(self, name, AreaRT(inward, width * 2**i, 3 if i else 7, 2 if i else 4, groups))
            inward = width * 2**i
        self.decoder = decoder(inward, classes)

    def forward(self, x):
        states, size = {}, x
        for i, name in enumerate(AREAS):
            area = getattr(self, name)
            size = area.drive(size)
            states[name] = area(size if i == 0 else torch.zeros_like(size), 0)
            size = torch.zeros_like(size)
        for _ in range(1, self.times):
            before = dict(states)
            for i, name in enumerate(AREAS):
                area = getattr(self, name)
                states[name] = area(area.drive(before[AREAS[i - 1]] if i else x), before[name])
        return self.decoder(states["IT"])


class AreaS(nn.Module):
    def __init__(self, inward, width, times):
        super().__init__()
        self.times, wide = times, 4 * width
        self.conv_input, self.skip, self.norm_skip = conv(inward, width, 1), conv(width, width, 1, 2), \
            nn.BatchNorm2d(width)
        self.conv1, self.conv2, self.conv3 = conv(width, wide, 1), conv(wide, wide, 3, 2), conv(wide, width, 1)
        for t in range(times):
            for k, n in enumerate([wide, wide, width]):
                setattr(self, f"norm{k + 1}_{t}", nn.BatchNorm2d(n))

    def forward(self, x):
        x = self.conv_input(x)
        for t in range(self.times):
            norm = [getattr(self, f"norm{k}_{t}") for k in (1, 2, 3)]
            around = x if t else self.norm_skip(self.skip(x))
            y = F.relu(norm[0](self.conv1(x)))
            y = F.relu(norm[1](F.conv2d(y, self.conv2.weight, None, 1 if t else 2, 1)))
            x = F.relu(norm[2](self.conv3(y)) + around)
        return x


def cornet_s(width, classes):
    first = nn.Sequential(OrderedDict(
        conv1=conv(3, width, 7, 2), norm1=nn.BatchNorm2d(width), nonlin1=nn.ReLU(), pool=nn.MaxPool2d(3, 2, 1),
        conv2=conv(width, width, 3), norm2=nn.BatchNorm2d(width), nonlin2=nn.ReLU()))
    return nn.Sequential(OrderedDict(V1=first, V2=AreaS(width, 2 * width, 2), V4=AreaS(2 * width, 4 * width, 4),
                                     IT=AreaS(4 * width, 8 * width, 2), decoder=decoder(8 * width, classes)))


def randomised(net):
    for name, t in net.state_dict().items():
        if name.endswith("running_var"):
            t.uniform_(0.5, 2)
        elif name.endswith("num_batches_tracked"):
            t.fill_(3)
        elif t.dim() > 1:
            t.normal_(0, (2 / t[0].numel()) ** 0.5)
        else:
            t.uniform_(-0.2, 0.2)
            if name.endswith("weight"):
                t.add_(1)
    return net.eval()


def main(folder):
    torch.manual_seed(1)
    for make in (cornet_z, CORnetRT, cornet_s):
        print(make.__name__, sum(p.numel() for p in make(64, 1000).parameters()))
    outputs = {"input": torch.randn(2, 3, 64, 64)}
    nets = {"cornet_z": cornet_z(4, 5), "cornet_rt": CORnetRT(2, 5, groups=2), "cornet_s": cornet_s(2, 5)}
    for name, net in nets.items():
        with torch.no_grad():
            tensors = {k: v.contiguous() for k, v in randomised(net).state_dict().items()}
            save_file(tensors, f"{folder}/{name}.safetensors")
            outputs[name] = net(outputs["input"]).contiguous()
    save_file(outputs, f"{folder}/cornet_outputs.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
