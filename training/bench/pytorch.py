#!/usr/bin/env python3
"""Compares `mien-train bench` with PyTorch: the same five networks in a plain training loop on random faces.

    pip install torch==2.13.0
    python training/bench/pytorch.py [--arch NAME ...] [--batch 64] [--size 48] [--precision fp32|bf16] [--steps 5]

Prints one JSON line per network, in milliseconds per image: forward pass, backward pass, optimizer step, and their sum.
"""

import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn


class Conv(nn.Conv2d):
    """Convolution with Keras' "same" padding: with stride 2 it pads only at the bottom and on the right."""

    def __init__(self, inputs, filters, kernel, stride=1):
        pad = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, filters, kernel, stride, padding=pad)
        self.pad_bottom_right = kernel == 3 and stride == 2

    def forward(self, x):
        return super().forward(F.pad(x, (0, 1, 0, 1)) if self.pad_bottom_right else x)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def norm_relu(channels):
    return nn.Sequential(norm(channels), nn.ReLU(inplace=True))


class BlockV1(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.branch = nn.Sequential(
            Conv(inputs, filters, 3, stride), norm_relu(filters), Conv(filters, filters, 3), norm(filters)
        )
        self.shortcut = Conv(inputs, filters, 1, stride) if stride == 2 else nn.Identity()

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.branch(x), inplace=True)


class BlockV2(nn.Module):
    def __init__(self, inputs, inner, outer, stride, is_first_of_stack, is_first_of_network):
        super().__init__()
        before = nn.Identity() if is_first_of_network else norm_relu(inputs)
        self.branch = nn.Sequential(
            before, Conv(inputs, inner, 1, stride), norm_relu(inner), Conv(inner, inner, 3), norm_relu(inner),
            Conv(inner, outer, 1),
        )
        self.shortcut = Conv(inputs, outer, 1, stride) if is_first_of_stack else nn.Identity()

    def forward(self, x):
        return self.branch(x) + self.shortcut(x)


class Bottleneck(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.branch = nn.Sequential(
            norm(inputs), nn.ReLU(inplace=True), Conv(inputs, 4 * growth, 1), norm_relu(4 * growth),
            Conv(4 * growth, growth, 3),
        )

    def forward(self, x):
        return torch.cat([x, self.branch(x)], 1)


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch = nn.Sequential(norm_relu(1), Conv(1, 24, 3))

    def forward(self, x):
        return torch.cat([x, self.branch(x)], 1)


class Head(nn.Module):
    """Mean pooling by 4 at 48 px and in proportion at other sizes, then a linear layer on height-width-channel order."""

    def __init__(self, inputs, out_side):
        super().__init__()
        self.dense, self.out_side = nn.Linear(inputs * out_side**2, 7), out_side

    def forward(self, x):
        kernel = min(4, x.shape[2]) if self.out_side == 1 else x.shape[2] // self.out_side
        return self.dense(F.avg_pool2d(x, kernel).permute(0, 2, 3, 1).flatten(1))


def resnet_v1(n):
    layers, inputs = [Conv(1, 16, 3), norm_relu(16)], 16
    for stack, filters in enumerate((16, 32, 64)):
        for block in range(n):
            layers.append(BlockV1(inputs, filters, 2 if stack and block == 0 else 1))
            inputs = filters
    return nn.Sequential(*layers, Head(64, 3))


def resnet_v2(n):
    layers, inner = [Conv(1, 16, 3), norm_relu(16)], 16
    inputs = 16
    for stack in range(3):
        outer = 4 * inner if stack == 0 else 2 * inner
        for block in range(n):
            stride = 2 if stack and block == 0 else 1
            layers.append(BlockV2(inputs, inner, outer, stride, block == 0, (stack, block) == (0, 0)))
            inputs = outer
        inner = outer
    return nn.Sequential(*layers, norm_relu(256), Head(256, 3))


def densenet(compression, growth=12, bottlenecks=12):
    layers, channels, counter = [Stem()], 25, 24
    for block in range(4):
        for _ in range(bottlenecks):
            layers.append(Bottleneck(channels, growth))
            channels += growth
        counter += bottlenecks * growth
        if block < 3:
            counter = int(counter * compression)
            layers += [norm(channels), Conv(channels, counter, 1), nn.AvgPool2d(2)]
            channels = counter
    return nn.Sequential(*layers, Head(channels, 1))


NETWORKS = {
    "densenet-100-12-c03": lambda: densenet(0.3),
    "densenet-100-12-c05": lambda: densenet(0.5),
    "densenet-100-12-c07": lambda: densenet(0.7),
    "resnet-104-v1": lambda: resnet_v1(17),
    "resnet-155-v2": lambda: resnet_v2(17),
}


def measure(name, args):
    torch.manual_seed(1)
    network = NETWORKS[name]().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    x = torch.rand(args.batch, 1, args.size, args.size).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 7, (args.batch,))
    spent = [0.0, 0.0, 0.0]
    for step in range(2 + args.steps):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
            loss = F.cross_entropy(network(x), y)
        forward = time.perf_counter()
        loss.backward()
        backward = time.perf_counter()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        end = time.perf_counter()
        if step >= 2:
            for index, elapsed in enumerate((forward - start, backward - forward, end - backward)):
                spent[index] += elapsed
    each = [seconds * 1000 / args.batch / args.steps for seconds in spent]
    print(json.dumps({
        "architecture": name, "batch": args.batch, "side": args.size, "precision": args.precision,
        "threads": torch.get_num_threads(), "parameters": sum(p.numel() for p in network.parameters()),
        "forward": each[0], "backward": each[1], "step": each[2], "total": sum(each),
    }), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    for architecture in arguments.arch:
        measure(architecture, arguments)
