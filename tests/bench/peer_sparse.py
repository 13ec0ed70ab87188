"""scikit-learn's MiniBatchDictionaryLearning on the patches and from the bases of tests/bench/sparse.lua, its bases kept
at growing times: python tests/bench/peer_sparse.py FOLDER SECONDS [cd or lars] [batch] (versions: tests/peers.lock).
float64: in float32 its coordinate descent takes four times as long."""
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "2"

import csv
import sys
import time
import warnings

import numpy as np
from sklearn.decomposition import MiniBatchDictionaryLearning

warnings.filterwarnings("ignore")
folder, budget = sys.argv[1], float(sys.argv[2])
method = sys.argv[3] if len(sys.argv) > 3 else "cd"
batch = int(sys.argv[4]) if len(sys.argv) > 4 else 100
pool = np.load(os.path.join(folder, "patches.npy")).astype("float64")
bases = np.load(os.path.join(folder, "bases.npy")).astype("float64")
model = MiniBatchDictionaryLearning(n_components=len(bases), alpha=0.14, batch_size=batch, fit_algorithm=method,
                                    dict_init=bases, random_state=0)
seconds, updates, kept, due, rows = 0.0, 0, 0, 0.5, []
while seconds < budget:
    first = updates * batch % (len(pool) // batch * batch)
    x = pool[first:first + batch]
    start = time.perf_counter()
    model.partial_fit(x)
    seconds += time.perf_counter() - start
    updates += 1
    if seconds >= due or seconds >= budget:
        kept += 1
        name = f"sklearn_{kept}.npy"
        np.save(os.path.join(folder, name), model.components_.astype("float32"))
        rows.append([name, updates, seconds])
        print(f"{updates:5d} updates, {seconds:7.2f} s", flush=True)
        due = max(due * 2, seconds)
with open(os.path.join(folder, "sklearn.csv"), "w", newline="") as file:
    csv.writer(file).writerows([["file", "updates", "seconds"]] + rows)
