"""Seconds of scikit-learn for what tests/bench/mapping.lua times: python tests/bench/peer_mapping.py (peers.lock)."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "2"

import time

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeCV

rng = np.random.default_rng(0)


def report(name, f, times=3):
    taken = []
    for _ in range(times):
        start = time.time()
        f()
        taken.append(time.time() - start)
    print(f"{name:44} {sorted(taken)[times // 2]:.3f} s", flush=True)


square = rng.standard_normal((4000, 4000))
start = time.time()
square @ square
print(f"matrix product 4000^3 float64: {2 * 4000 ** 3 / (time.time() - start) / 1e9:.0f} GFLOP/s")
alphas = np.logspace(-1, 5, 10)
for dtype in ("float32", "float64"):
    x = rng.standard_normal((2560, 1000)).astype(dtype)
    y = x @ rng.standard_normal((1000, 168)).astype(dtype) + 30 * rng.standard_normal((2560, 168)).astype(dtype)
    report(f"PLS, 25 components, {dtype}", lambda: PLSRegression(25, scale=False).fit(x, y), 1)
    report(f"ridge, 10 penalties in 5 folds, {dtype}", lambda: RidgeCV(alphas, cv=5).fit(x, y), 1)
    report(f"ridge, 10 penalties, leaving one out, {dtype}", lambda: RidgeCV(alphas, alpha_per_target=True).fit(x, y))
    wide = rng.standard_normal((2560, 9216)).astype(dtype)
    report(f"PCA, 1000 components, {dtype}", lambda: PCA(1000).fit(wide), 1)
