"""The table `from` of tests/runtime/ops/test_arrange_ops.c: which element numpy.pad (the version in tests/peers.lock)
puts at each position of an axis of 4 padded by 7 and 9."""
import numpy as np

for mode in ["reflect", "edge", "wrap"]:
    print(mode, np.pad(np.arange(4), (7, 9), mode=mode).tolist())
