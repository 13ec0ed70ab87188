"""Prints the table NUMPY of tests/lib/similarity_spec.lua: python tests/peers/similarity.py (peers.lock has the versions)."""
import numpy as np
from scipy.linalg import subspace_angles
from scipy.spatial import procrustes

i = np.arange(12)
x = np.stack([np.sin(i), np.cos(2 * i), i / 6.0, np.sin(3 * i + 1)], 1)
y = np.stack([np.cos(i), np.sin(2 * i) + 0.5 * np.sin(i), i % 3, np.cos(i * i)], 1)
xc, yc = x - x.mean(0), y - y.mean(0)
rho = np.sort(np.cos(subspace_angles(xc, yc)))[::-1]
qx, _ = np.linalg.qr(xc)
qy, _ = np.linalg.qr(yc)
u, s, _ = np.linalg.svd(qx.T @ qy)
ux, sx, _ = np.linalg.svd(xc, full_matrices=False)
weight = np.abs((qx @ u).T @ (ux * sx)).sum(1)


def rbf(a):
    d2 = ((a[:, None] - a[None]) ** 2).sum(-1)
    return np.exp(-d2 / (2 * np.median(np.sqrt(d2[np.triu_indices(12, 1)])) ** 2))


def cka(k, l):
    h = np.eye(12) - 1 / 12
    f = lambda a, b: np.trace(a @ h @ b @ h)
    return f(k, l) / np.sqrt(f(k, k) * f(l, l))


print("local NUMPY = { -- made by tests/peers/similarity.py")
print(f"  svcca = {float(rho.mean())!r}, pwcca = {float((weight * s).sum() / weight.sum())!r},")
print(f"  disparity = {float(procrustes(x, y)[2])!r}, linear = {float(cka(xc @ xc.T, yc @ yc.T))!r}, rbf = {float(cka(rbf(x), rbf(y)))!r},")
print("}")
