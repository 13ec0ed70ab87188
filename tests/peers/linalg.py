"""Prints the table NUMPY of tests/lib/linalg_spec.lua: python tests/peers/linalg.py (peers.lock has the versions)."""
import numpy as np
from scipy.linalg import expm

x = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 10], [-1, 0, 2]], float)


def text(a):
    return repr(a.item()) if a.ndim == 0 else "{ " + ", ".join(text(row) for row in a) + " }"


q, r = np.linalg.qr(x)
values = {
    "svdvals": np.linalg.svd(x, compute_uv=False), "q": q, "r": r, "exp": expm(x[:3]),
    "lstsq": np.linalg.lstsq(x, np.array([1.0, 0, 2, 1]), rcond=None)[0], "eigvalsh": np.linalg.eigvalsh(x[:3]),
}
print("local NUMPY = { -- made by tests/peers/linalg.py")
for name, value in values.items():
    print(f"  {name} = {text(value)},")
print("}")
