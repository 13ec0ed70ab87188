"""Writes tests/fixtures/classifiers.json: scikit-learn's linear classifiers on small data, for tests/lib/decode_spec.lua.

    python tests/peers/classifiers.py > tests/fixtures/classifiers.json        (peers.lock has the versions)
"""
import json
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.svm import LinearSVC

rng = np.random.RandomState(5)
out = {}
for name, n, p in (("tall", 40, 6), ("wide", 20, 30)):
    y = np.arange(n) % 3
    x = rng.randn(n, p) + 0.8 * rng.randn(3, p)[y]
    new = rng.randn(15, p)
    entry = {"x": x.tolist(), "y": (y + 1).tolist(), "new": new.tolist()}
    svm = LinearSVC(C=0.7, tol=1e-14, max_iter=10_000_000).fit(x, y)
    entry["svm"] = {"weights": svm.coef_.tolist(), "bias": svm.intercept_.tolist()}
    log = LogisticRegression(C=0.7, tol=1e-14, max_iter=100_000, solver="newton-cg").fit(x, y)
    entry["logistic"] = {"scores": log.predict_log_proba(new).tolist(), "weights": log.coef_.tolist()}
    entry["nearest_centroid"] = (NearestCentroid().fit(x, y).predict(new) + 1).tolist()
    out[name] = entry
json.dump(out, sys.stdout)
