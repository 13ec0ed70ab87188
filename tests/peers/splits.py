"""Writes tests/fixtures/neural/splits.json: divisions by scikit-learn's StratifiedShuffleSplit, ShuffleSplit and
StratifiedGroupKFold, for tests/lib/numpy_random_spec.lua: python tests/peers/splits.py (peers.lock has the versions)."""
import json
import pathlib

import numpy as np
from sklearn.model_selection import ShuffleSplit, StratifiedGroupKFold, StratifiedShuffleSplit

out = {"bits": [int(b) for b in np.random.RandomState(1).randint(0, 2**32, 700, dtype=np.uint64)], "cases": []}
for seed, n, classes, train, splits in ((1, 97, 7, 0.9, 4), (1, 400, 8, 0.9, 2), (5, 33, 3, 0.5, 4)):
    labels = np.random.RandomState(seed + n).randint(0, classes, n)
    for kind in ("stratified", "plain"):
        maker = StratifiedShuffleSplit if kind == "stratified" else ShuffleSplit
        found = maker(n_splits=splits, train_size=train, random_state=seed).split(np.zeros(n), labels)
        folds = [{"train": (a + 1).tolist(), "test": (b + 1).tolist()} for a, b in found]
        out["cases"].append(dict(kind=kind, seed=seed, n=n, train=train, splits=splits, folds=folds,
                                 labels=[f"class{k}" for k in labels]))
out["grouped"] = []
for seed, n, groups, classes, splits in ((1, 120, 20, 3, 5), (2, 200, 17, 6, 3), (3, 90, 30, 2, 4), (4, 60, 7, 4, 6)):
    rng = np.random.RandomState(seed)
    group = np.sort(rng.randint(0, groups, n))
    labels = np.where(rng.rand(n) < 0.6, group % classes, rng.randint(0, classes, n))
    found = StratifiedGroupKFold(splits).split(np.zeros(n), labels, group)
    out["grouped"].append(dict(groups=group.tolist(), labels=labels.tolist(), splits=splits,
                               folds=[(b + 1).tolist() for _, b in found]))
path = pathlib.Path(__file__).parent.parent / "fixtures/neural/splits.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
