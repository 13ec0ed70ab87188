"""scikit-learn's MiniBatchDictionaryLearning on the images of tests/bench/sparse.lua, its bases kept at growing times:
python tests/bench/peer_sparse.py FOLDER SECONDS [cd or lars] (versions: tests/peers.lock)."""
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
images = np.load(os.path.join(folder, "images.npy")).astype("float64")
rng = np.random.RandomState(0)
SIZE, BORDER, BATCH = 16, 4, 100


def patches(n):
    out = np.empty((n, SIZE * SIZE))
    for i in range(n):
        k = rng.randint(len(images))
        r, c = (rng.randint(BORDER, images.shape[d] - BORDER - SIZE + 1) for d in (1, 2))
        out[i] = images[k, r:r + SIZE, c:c + SIZE].ravel()
    return out


model = MiniBatchDictionaryLearning(n_components=192, alpha=0.14, batch_size=BATCH, fit_algorithm=method,
                                    random_state=0)
model.partial_fit(patches(BATCH))  # the first call also makes the first bases; it is not counted
seconds, updates, kept, due, rows = 0.0, 1, 0, 0.25, []
while seconds < budget:
    x = patches(BATCH)
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
        due = max(due * 1.5, seconds)
with open(os.path.join(folder, "sklearn.csv"), "w", newline="") as file:
    csv.writer(file).writerows([["file", "updates", "seconds"]] + rows)
