"""One training step of the LeNet of scripts/networks/lenet.lua in PyTorch: median milliseconds.

Usage: python lenet_torch.py [THREADS] [BATCH] [STEPS]     (PyTorch at the version in tests/peers.lock)
The counterpart is lenet.lua beside this file: same network, batch, optimiser and number of steps, on random images.
"""
import statistics
import sys
import time

import torch
from torch import nn

threads, batch, steps = (int(a) for a in (sys.argv[1:] + ["2", "64", "200"][len(sys.argv) - 1:]))
torch.set_num_threads(threads)
torch.manual_seed(1)
net = nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3, fused=True)
loss = nn.CrossEntropyLoss()
x, y = torch.randn(2048, 1, 28, 28), torch.randint(0, 10, (2048,))
times = []
for step in range(steps + 20):
    start = time.perf_counter()
    pick = torch.randint(0, 2048, (batch,))
    optimizer.zero_grad()
    loss(net(x[pick]), y[pick]).backward()
    optimizer.step()
    if step >= 20:
        times.append(time.perf_counter() - start)
print(f"torch {torch.__version__} {torch.backends.cpu.get_cpu_capability()}, {threads} threads, batch {batch}: "
      f"{1e3 * statistics.median(times):.3f} ms a step (median of {steps})")
