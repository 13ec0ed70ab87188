"""Seconds of NumPy and rsatoolbox for what tests/bench/rsa.lua times: python tests/bench/peer_rsa.py (peers.lock)."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "2"

import time
import warnings

import numpy as np
from rsatoolbox.inference import eval_dual_bootstrap
from rsatoolbox.model import ModelFixed
from rsatoolbox.rdm import RDMs

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)


def seconds(f, times=5, before=2):
    for _ in range(before):
        f()
    taken = []
    for _ in range(times):
        start = time.time()
        f()
        taken.append(time.time() - start)
    return sorted(taken)[times // 2]


square = rng.randn(4000, 4000)
print(f"matrix product 4000^3 float64: {2 * 4000 ** 3 / seconds(lambda: square @ square) / 1e9:.0f} GFLOP/s")
x = rng.randn(2560, 9216).astype("float32")
np.corrcoef(x[:, :64])  # the first call starts the threads
print(f"corrcoef of float32, as it comes (computed in float64)   {seconds(lambda: np.corrcoef(x)):.3f} s")
print(f"corrcoef of float32, dtype = float32                     "
      f"{seconds(lambda: np.corrcoef(x, dtype='float32')):.3f} s")
x = x.astype("float64")
print(f"corrcoef of float64                                      {seconds(lambda: np.corrcoef(x)):.3f} s")
data = RDMs(rng.rand(8, 4186))
models = [ModelFixed(str(i), rng.rand(4186)) for i in range(10)]
for method in ("cosine", "corr", "tau-a"):
    taken = seconds(lambda: eval_dual_bootstrap(models, data, method=method, N=10), 1, 0) * 100
    print(f"1000 dual bootstraps, {method}: {taken:.1f} s (from 10)")
