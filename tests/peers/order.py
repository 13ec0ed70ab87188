"""The numbers in tests/runtime/ops/test_order_ops.c that come from NumPy (the version in tests/peers.lock)."""
import numpy as np

x = np.array([3, -1.5, 11, 2.25, -4.5, 0, 3.5])
q = [0, 0.1, 0.25, 0.5, 0.7, 1]
for method in ["linear", "lower", "higher", "nearest", "midpoint"]:
    print(method, [float("%.17g" % v) for v in np.quantile(x, q, method=method)])
m = ((np.arange(12) * 5) % 12).astype(float).reshape(2, 2, 3)
print(np.median(m, axis=(0, 2)), np.median(m, axis=1).ravel())
print(np.histogram([0, 0.1, 0.5, 0.999, 1, 2, -0.1, 2], bins=3)[0])
