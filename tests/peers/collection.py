"""Narrow variants of torchvision's networks with random weights, and what PyTorch makes of a picture: the fixtures of
tests/lib/models_weights_spec.lua. Run it as

    python tests/peers/collection.py tests/fixtures/models

It writes NAME.safetensors (the weights under torchvision's names) and outputs.safetensors (logits by name). The input
is made of whole numbers by a formula that the test repeats.
"""

import sys

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, cfgs, make_layers

SIDE = 67  # the smallest input of AlexNet
CLASSES = 5


def picture():
    n = 2 * 3 * SIDE * SIDE
    values = (torch.arange(n, dtype=torch.int64) * 7919 % 1009).to(torch.float32) / 504.5 - 1
    return values.reshape(2, 3, SIDE, SIDE)


def alexnet(factor):
    """torchvision's AlexNet whose channels and units are a fraction of its own."""
    net = torchvision.models.alexnet(num_classes=CLASSES)
    channels = 3
    for i, layer in enumerate(net.features):
        if isinstance(layer, nn.Conv2d):
            width = max(1, int(layer.out_channels * factor + 0.5))
            net.features[i] = nn.Conv2d(channels, width, layer.kernel_size, layer.stride, layer.padding)
            channels = width
    narrow(net.classifier, channels * 36, factor)
    return net


def narrow(classifier, inputs, factor):
    for i, layer in enumerate(classifier):
        if isinstance(layer, nn.Linear):
            units = layer.out_features if layer.out_features == CLASSES else max(1, int(4096 * factor + 0.5))
            classifier[i] = nn.Linear(inputs, units)
            inputs = units


def vgg(letter, factor, batch_norm):
    cfg = [c if c == "M" else max(1, int(c * factor + 0.5)) for c in cfgs[letter]]
    net = VGG(make_layers(cfg, batch_norm=batch_norm), num_classes=CLASSES)
    narrow(net.classifier, cfg[-2] * 49, factor)
    return net


class NarrowResNet(ResNet):
    def __init__(self, block, layers, width):
        nn.Module.__init__(self)
        self._norm_layer = nn.BatchNorm2d
        self.inplanes, self.dilation, self.groups, self.base_width = width, 1, 1, 64
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for i, n in enumerate(layers):
            setattr(self, f"layer{i + 1}", self._make_layer(block, width * 2**i, n, 1 if i == 0 else 2))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width * 8 * block.expansion, CLASSES)


def randomised(net):
    """Weights of size that lets a signal through, and running statistics that are not those of the first step."""
    for name, t in net.state_dict().items():
        if name.endswith("running_var"):
            t.uniform_(0.5, 2)
        elif name.endswith("num_batches_tracked"):
            t.fill_(7)
        elif t.dim() > 1:
            t.normal_(0, (2 / t[0].numel()) ** 0.5)
        else:
            t.uniform_(-0.2, 0.2)
            if name.endswith("weight"):
                t.add_(1)
    return net.eval()


def main(folder):
    torch.manual_seed(1)
    nets = {
        "alexnet": alexnet(1 / 64),
        "vgg11": vgg("A", 1 / 64, False),
        "vgg16_bn": vgg("D", 1 / 64, True),
        "resnet18": NarrowResNet(BasicBlock, [2, 2, 2, 2], 2),
        "resnet50": NarrowResNet(Bottleneck, [3, 4, 6, 3], 1),
    }
    outputs, x = {}, picture()
    for name, net in nets.items():
        with torch.no_grad():
            save_file({k: v.contiguous() for k, v in randomised(net).state_dict().items()},
                      f"{folder}/{name}.safetensors")
            outputs[name] = net(x).contiguous()
        print(name, sum(p.numel() for p in net.parameters()), outputs[name][0].tolist())
    save_file(outputs, f"{folder}/outputs.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
