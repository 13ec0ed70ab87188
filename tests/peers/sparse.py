"""Sparse codes and an online dictionary by scikit-learn, and orthogonal matching pursuit: python tests/peers/sparse.py
(versions: peers.lock). What it prints stands in tests/lib/sparse_spec.lua.

The inputs are made of sines, the same in Lua. The dictionary is learned from the batches in turn, with scikit-learn's
weights of earlier batches replaced by (s / t)^2, so that they are those of forget = 2."""
import numpy as np
from sklearn.decomposition import MiniBatchDictionaryLearning, _dict_learning, sparse_encode
from sklearn.linear_model import Lasso

_dict_learning.Lasso = lambda tol, **options: Lasso(tol=1e-15, **options)  # its own 1e-8 is seen in the sixth digit

np.set_printoptions(precision=17)
K, P, N, BATCH, LAMBDA = 6, 8, 60, 20, 0.15
i = np.arange(K * P, dtype="float64").reshape(K, P)
D = np.sin(i * i * 0.37 + 0.5)
D /= np.linalg.norm(D, axis=1, keepdims=True)
j = np.arange(N * P, dtype="float64").reshape(N, P)
X = np.sin(j * j * 0.11 + 1.0)


class Forgetful(MiniBatchDictionaryLearning):
    def _update_inner_stats(self, X, code, batch_size, step):
        weight = (step / (step + 1)) ** 2
        self._A = self._A * weight + code.T @ code
        self._B = self._B * weight + X.T @ code


a = sparse_encode(X, D, algorithm="lasso_cd", alpha=LAMBDA, max_iter=100000)
omp = sparse_encode(X, D, algorithm="omp", n_nonzero_coefs=3)
model = Forgetful(n_components=K, alpha=LAMBDA, batch_size=BATCH, fit_algorithm="cd", transform_max_iter=100000, dict_init=D, random_state=0)
for k in range(0, N, BATCH):
    model.partial_fit(X[k:k + BATCH])
weights = np.cos(np.arange(N * K).reshape(N, K))
print("lasso", (a * weights).sum(), np.abs(a).sum(), (a != 0).sum())
print("row", a[1].tolist())
print("omp", (omp * weights).sum(), np.abs(omp).sum())
print("dictionary", (model.components_ * np.cos(np.arange(K * P).reshape(K, P))).sum(), model.components_[2].tolist())
