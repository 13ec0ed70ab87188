"""Writes tests/fixtures/neural/mapping.npz: what scikit-learn and SciPy make of random features and responses, for
tests/lib/mapping_spec.lua: python tests/peers/mapping.py (peers.lock has the versions)."""
import pathlib
import warnings

import numpy as np
from scipy.optimize import nnls
from scipy.stats import spearmanr
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge, RidgeCV

warnings.simplefilter("error")
rng = np.random.default_rng(7)
out = {}
for name, n, p, t in [("tall", 60, 14, 5), ("wide", 24, 40, 3), ("many", 50, 4, 9)]:
    latent = rng.normal(size=(n, 6))
    x = latent @ rng.normal(size=(6, p)) + 0.7 * rng.normal(size=(n, p)) + rng.normal(size=p)
    y = latent @ rng.normal(size=(6, t)) + 0.5 * rng.normal(size=(n, t)) + 2
    out[f"{name}.x"], out[f"{name}.y"] = x, y
    fits = {"ridge": Ridge(3.0, solver="cholesky"), "ols": LinearRegression(),
            "ridgecv": RidgeCV(np.logspace(-2, 4, 13), alpha_per_target=True),
            "lasso": Lasso(0.05, tol=1e-14, max_iter=100000),
            "lasso_positive": Lasso(0.05, tol=1e-14, max_iter=100000, positive=True),
            "elastic": ElasticNet(0.2, l1_ratio=0.3, tol=1e-14, max_iter=100000)}
    k = min(4, p)
    fits["pls"] = PLSRegression(k, scale=False)
    fits["pls_scaled"] = PLSRegression(min(3, p), scale=True)
    fits["pls_tight"] = PLSRegression(k, scale=False, tol=1e-20, max_iter=100000)
    for word, model in fits.items():
        model.fit(x, y)
        out[f"{name}.{word}.coef"] = np.atleast_2d(model.coef_).T
        out[f"{name}.{word}.intercept"] = model.predict(np.zeros((1, p)))[0]
    out[f"{name}.ridgecv.alphas"] = fits["ridgecv"].alpha_
    out[f"{name}.pls.weights"] = fits["pls"].x_weights_.T
    out[f"{name}.nnls.coef"] = np.stack([nnls(x - x.mean(0), c)[0] for c in (y - y.mean(0)).T], 1)
    pca = PCA(k, svd_solver="full").fit(x)
    out[f"{name}.pca.components"], out[f"{name}.pca.variance"] = pca.components_, pca.explained_variance_
    out[f"{name}.pca.ratio"] = pca.explained_variance_ratio_
    out[f"{name}.pca.scores"] = pca.transform(x)
a, b = rng.normal(size=(30, 4)).round(1), rng.normal(size=(30, 4)).round(1)
out["spearman.a"], out["spearman.b"] = a, b
out["spearman.r"] = np.array([spearmanr(a[:, i], b[:, i])[0] for i in range(4)])
np.savez_compressed(pathlib.Path(__file__).parent.parent / "fixtures/neural/mapping.npz", **out)
