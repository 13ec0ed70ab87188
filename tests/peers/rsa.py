"""Writes tests/fixtures/rsa.json: what rsatoolbox and SciPy say of small data, for tests/lib/rdm_spec.lua.

    python tests/peers/rsa.py > tests/fixtures/rsa.json        (peers.lock has the versions)
"""
import json
import sys
import warnings

import numpy as np
import rsatoolbox as rsa
import scipy.stats
from rsatoolbox.data import Dataset, TemporalDataset
from rsatoolbox.data import noise as rsa_noise
from rsatoolbox.inference import boot_noise_ceiling, eval_dual_bootstrap
from rsatoolbox.inference import bootstrap as boot_module
from rsatoolbox.model import ModelFixed, ModelInterpolate, ModelWeighted, fitter
from rsatoolbox.rdm import RDMs, calc_rdm, calc_rdm_movie, compare
from rsatoolbox.rdm.calc_unbalanced import calc_rdm_unbalanced
from rsatoolbox.util.matrix import get_v
from scipy.spatial.distance import pdist

warnings.filterwarnings("ignore")
rng = np.random.RandomState(7)
out = {}

# responses: 8 conditions x 5 folds x 6 channels, positive so that they can be rates
conditions, folds, channels = 8, 5, 6
truth = rng.gamma(2.0, 2.0, (conditions, channels))
trials = np.abs(truth[:, None] + rng.randn(conditions, folds, channels)) + 0.1
x = trials.reshape(-1, channels)
cond = np.repeat(np.arange(conditions), folds)
fold = np.tile(np.arange(folds), conditions)
data = Dataset(x, obs_descriptors={"cond": cond, "fold": fold})
out["x"], out["cond"], out["fold"] = x.tolist(), (cond + 1).tolist(), (fold + 1).tolist()


def vec(r):
    return np.asarray(r.dissimilarities).tolist()


out["rdm"] = {m: vec(calc_rdm(data, m, descriptor="cond")) for m in ("euclidean", "correlation", "poisson")}
out["noise"], out["mahalanobis"], out["crossnobis"] = {}, {}, {}
for kind in ("shrinkage_diag", "shrinkage_eye", "diag", "full"):
    prec = rsa_noise.prec_from_unbalanced(data, "cond", method=kind)
    out["noise"][kind] = prec.tolist()
    out["mahalanobis"][kind] = vec(calc_rdm(data, "mahalanobis", descriptor="cond", noise=prec))
    out["crossnobis"][kind] = vec(calc_rdm(data, "crossnobis", descriptor="cond", noise=prec, cv_descriptor="fold"))
# rsatoolbox 0.3.2 returns the cross-validated Poisson RDM of the last fold alone: here each fold is the last one once
out["poisson_cv"] = []
for last in range(folds):
    moved = Dataset(x, obs_descriptors={"cond": cond, "fold": np.where(fold == last, folds, fold)})
    out["poisson_cv"].append(vec(calc_rdm(moved, "poisson_cv", descriptor="cond", cv_descriptor="fold"))[0])
# its prec_from_measurements counts (conditions - 1) x trials degrees of freedom; with trials less conditions ...
out["measured"] = rsa_noise.prec_from_measurements(data, "cond", dof=len(x) - conditions).tolist()
out["crossnobis"]["none"] = vec(calc_rdm(data, "crossnobis", descriptor="cond", cv_descriptor="fold"))

# unbalanced: some trials are missing, some channels are NaN (weighting="equal" is left out: rsatoolbox 0.3.2 counts
# each trial with itself by the integer 1 / 2, which is 0)
keep = np.array([i for i in range(len(x)) if i not in (3, 11, 12, 30)])
holes = x[keep].copy()
holes[2, 1] = holes[9, 4] = holes[20, 0] = np.nan
odd = Dataset(holes, obs_descriptors={"cond": cond[keep], "fold": fold[keep]})
whole = Dataset(x[keep], obs_descriptors={"cond": cond[keep], "fold": fold[keep]})
out["keep"] = (keep + 1).tolist()
out["holes"] = [[None if np.isnan(v) else v for v in row] for row in holes.tolist()]
prec = rsa_noise.prec_from_unbalanced(data, "cond")
out["unbalanced"] = {
    "euclidean": vec(calc_rdm_unbalanced(odd, "euclidean", descriptor="cond")),
    "poisson": vec(calc_rdm_unbalanced(odd, "poisson", descriptor="cond")),
    "crossed": vec(calc_rdm_unbalanced(odd, "crossnobis", descriptor="cond", cv_descriptor="fold")),
    "correlation": vec(calc_rdm_unbalanced(whole, "correlation", descriptor="cond")),
    "mahalanobis": vec(calc_rdm_unbalanced(whole, "mahalanobis", descriptor="cond", noise=prec)),
    "crossnobis": vec(calc_rdm_unbalanced(whole, "crossnobis", descriptor="cond", noise=prec, cv_descriptor="fold")),
}

# comparisons: 3 models, 4 subjects, 9 stimuli, with ties
n = 9
pairs = n * (n - 1) // 2
base = rng.rand(pairs)
models = np.stack([np.round(base * 4) / 4 + 0.25, base + 0.3 * rng.rand(pairs), rng.rand(pairs)])
subjects = np.round(base + 0.6 * rng.rand(4, pairs), 1)
A, B = RDMs(models), RDMs(subjects)
out["models"], out["subjects"] = models.tolist(), subjects.tolist()
names = {"pearson": "corr", "cosine": "cosine", "whitened_pearson": "corr_cov", "whitened_cosine": "cosine_cov",
         "spearman": "spearman", "rho_a": "rho-a", "tau_a": "tau-a", "tau_b": "kendall"}
out["compare"] = {k: compare(A, B, method=m).tolist() for k, m in names.items()}
out["ceiling"] = {k: list(boot_noise_ceiling(B, method=m)) for k, m in names.items()}
half = rng.randn(n, n)
sigma = half @ half.T / n + np.eye(n)
out["sigma"] = sigma.tolist()
v = np.linalg.inv(get_v(n, sigma).toarray())  # compare() solves with it to 1e-5 only


def metric(a, b):
    return (a @ v @ b.T) / np.sqrt(np.outer(np.einsum("ij,jk,ik->i", a, v, a), np.einsum("ij,jk,ik->i", b, v, b)))


def centred(a):
    return a - a.mean(1, keepdims=True)


out["sigma_compare"] = {"whitened_cosine": metric(models, subjects).tolist(),
                        "whitened_pearson": metric(centred(models), centred(subjects)).tolist()}
gone = [4, 17]
some_models, some_subjects = models.copy(), subjects.copy()
some_models[:, gone] = some_subjects[:, gone] = np.nan
out["gone"] = [g + 1 for g in gone]
out["compare_missing"] = {k: compare(RDMs(some_models), RDMs(some_subjects), method=m).tolist()
                          for k, m in names.items()}
out["scipy"] = {"tau_b": [[scipy.stats.kendalltau(a, b)[0] for b in subjects] for a in models],
                "spearman": [[scipy.stats.spearmanr(a, b)[0] for b in subjects] for a in models]}

# models with weights
weighted = ModelWeighted("w", A)
out["nnls"], out["regress"], out["interpolate"] = {}, {}, {}
for k in ("pearson", "cosine", "whitened_pearson", "whitened_cosine"):
    out["nnls"][k] = fitter.fit_regress_nn(weighted, B, method=names[k]).tolist()
    out["regress"][k] = fitter.fit_regress(weighted, B, method=names[k]).tolist()
    inter = ModelInterpolate("i", A)
    theta = fitter.fit_interpolate(inter, B, method=names[k])
    out["interpolate"][k] = float(np.mean(compare(inter.predict_rdm(theta), B, method=names[k])))
out["ridge"] = fitter.fit_regress_nn(weighted, B, method="cosine", ridge_weight=0.5).tolist()

# the dual bootstrap, with the draws it made: rsatoolbox draws positions among the sorted unique ids
draws = []
randint = np.random.randint
resamples = 25


def spy(low, high=None, size=None, **kw):
    got = randint(low, high, size=size, **kw)
    if size is not None and len(got) in (4, n):
        draws.append(got.tolist())
    return got


np.random.seed(3)
out["bootstrap"] = {}
fixed = [ModelFixed(str(i), m) for i, m in enumerate(models)]
for k in ("pearson", "cosine", "whitened_cosine", "spearman", "rho_a", "tau_a", "tau_b"):
    draws.clear()
    boot_module.np.random.randint = spy
    result = eval_dual_bootstrap(fixed, B, method=names[k], N=resamples)
    boot_module.np.random.randint = randint
    assert len(draws) == 2 * resamples
    out["bootstrap"][k] = {
        "subjects": [[int(v) + 1 for v in d] for d in draws[::2]],
        "stimuli": [[int(v) + 1 for v in d] for d in draws[1::2]],
        "evaluations": result.evaluations[:, :, 0, 0, :].transpose(0, 2, 1).tolist(),
        "ceilings": result.noise_ceiling[:, :, 0, :].transpose(1, 2, 0).tolist(),
        "model_var": result.model_var.tolist(), "diff_var": result.diff_var.tolist(),
        "noise_var": result.noise_ceil_var.tolist(), "dof": int(result.dof),
        "p_zero": result.test_zero().tolist(), "p_pair": result.test_pairwise().tolist(),
        "p_noise": result.test_noise().tolist(), "means": result.get_means().tolist(),
    }

# second moments: RDMs of squared distances of points in general position, with draws of their own
draw = np.random.RandomState(11)
spots = draw.randn(7, 9)
stretched = [spots * draw.gamma(2.0, 0.7, 9) + 0.6 * draw.randn(7, 9) for _ in range(2)]
left = np.stack([pdist(p, "sqeuclidean") for p in stretched + [3 * draw.randn(7, 8)]])
right = np.stack([pdist(spots + s * draw.randn(7, 9), "sqeuclidean") for s in (0.1, 0.5, 1.5, 4.0)])
half = draw.randn(7, 7)
noise = half @ half.T / 7 + 0.5 * np.eye(7)
second = ("bures", "bures_metric", "neg_riem_dist")
out["moments"] = {
    "a": left.tolist(), "b": right.tolist(), "sigma": noise.tolist(),
    "compare": {m: compare(RDMs(left), RDMs(right), method=m).tolist() for m in second},
    "covariance": compare(RDMs(left), RDMs(right), method="neg_riem_dist", sigma_k=noise).tolist(),
    # of RDMs that no points have (eigenvalues below 0), too
    "bures": compare(A, B, method="bures").tolist(), "bures_metric": compare(A, B, method="bures_metric").tolist(),
}
# a precision for each fold, rows without their mean, and movies, of the trials above
draw = np.random.RandomState(13)
halves = draw.randn(folds, channels, 20)
precisions = np.linalg.inv(halves @ halves.transpose(0, 2, 1) / 20)
out["precisions"] = precisions.tolist()
out["crossnobis"]["list"] = vec(calc_rdm(data, "crossnobis", descriptor="cond", noise=list(precisions),
                                         cv_descriptor="fold"))
out["remove_mean"] = {
    "squared_euclidean": vec(calc_rdm(data, "euclidean", descriptor="cond", remove_mean=True)),
    "mahalanobis": vec(calc_rdm(data, "mahalanobis", descriptor="cond", noise=precisions[0], remove_mean=True)),
    "crossnobis": vec(calc_rdm(data, "crossnobis", descriptor="cond", noise=precisions[0], cv_descriptor="fold",
                               remove_mean=True)),
}
film = draw.randn(conditions, channels, 6)
movie = TemporalDataset(film, obs_descriptors={"cond": np.arange(conditions)},
                        time_descriptors={"time": np.arange(6)})
out["film"], bins = film.tolist(), [np.array([0, 1, 2]), np.array([3, 5])]
out["movie"] = {"all": vec(calc_rdm_movie(movie, "correlation", descriptor="cond")),
                "bins": vec(calc_rdm_movie(movie, "euclidean", descriptor="cond", bins=bins))}
json.dump(out, sys.stdout)
