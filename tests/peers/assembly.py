# Writes tests/fixtures/neural/recording.{nc,npz,h5,mat,73.mat} and recording.json, one small recording in the formats
# that labs use, with NumPy, SciPy, h5py and xarray (versions in tests/peers.lock), and what xarray makes of it:
# python3 tests/peers/assembly.py. Trials stand in no order, two are missing, one of them in one time bin only.
import json
import os

import h5py
import numpy as np
import scipy.io
import xarray as xr

folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures", "neural")
rng = np.random.default_rng(7)

ids = ["im3", "im1", "im2", "im1", "im3", "im2", "im4", "im4", "im1"]
repetition = [0, 0, 0, 1, 1, 1, 0, 1, 2]
object_name = {"im1": "face", "im2": "car", "im3": "face", "im4": "car"}
trial = [11, 12, 13, 19, 18, 17, 16, 14, 15]
x = np.round(rng.gamma(2, 3, (9, 4, 3)), 3)
x[3, 1, :] = np.nan
x[6, 2, 1] = np.nan

a = xr.DataArray(x, dims=("presentation", "neuroid", "time_bin"), name="responses", coords={
    "stimulus_id": ("presentation", ids), "repetition": ("presentation", repetition),
    "object_name": ("presentation", [object_name[i] for i in ids]), "trial": ("presentation", trial),
    "neuroid_id": ("neuroid", ["n1", "n2", "n3", "n4"]), "region": ("neuroid", ["V4", "IT", "IT", "V4"]),
    "depth": ("neuroid", [0.5, 1.5, 0.25, 2.0]),
    "time_bin_start": ("time_bin", [70, 90, 110]), "time_bin_end": ("time_bin", [90, 110, 130])})


def plain(values):
    return [None if np.isnan(v) else float(v) for v in np.asarray(values, dtype="f8").reshape(-1)]


def by(dim, name, how):
    more = {"min_count": 1} if how == "sum" else {}  # a sum of nothing is missing
    grouped = getattr(a.groupby(name), how)(dim, skipna=True, **more)
    order = list(dict.fromkeys(a[name].values.tolist()))  # in the order of their first, as Lamina has it
    return order, plain(grouped.sel({name: order}).transpose(..., "time_bin").values if dim == "presentation"
                        else grouped.sel({name: order}).transpose("presentation", name, "time_bin").values)


def expected():
    e = {"values": plain(x)}
    for how in ("mean", "sum", "min", "max", "median"):
        order, values = by("presentation", "object_name", how)
        if how == "sum":
            values = by("presentation", "object_name", how)[1]
        e["object_" + how] = {"order": order, "values": values}
        order, values = by("neuroid", "region", how)
        e["region_" + how] = {"order": order, "values": values}
    e["object_std"] = {"values": plain(a.groupby("object_name").std("presentation", ddof=1)
                                       .sel(object_name=["face", "car"]).transpose("object_name", ...).values)}
    order, values = by("presentation", "stimulus_id", "mean")
    e["stimulus_mean"] = {"order": order, "values": values}
    e["time_mean"] = plain(a.mean("time_bin", skipna=True).values)
    e["late"] = plain(a.isel(time_bin=np.asarray(a.time_bin_start.values) >= 90).values)
    e["by_depth"] = {"order": a.sortby("depth").neuroid_id.values.tolist(), "values": plain(a.sortby("depth").values)}
    e["by_trial"] = {"order": a.sortby("trial").stimulus_id.values.tolist(), "values": plain(a.sortby("trial").values)}
    e["second_half"] = plain(a.isel(presentation=np.asarray(repetition) >= 1).values)
    return e


def arrays():
    return {"responses": x, "stimulus_id": np.array(ids), "repetition": np.array(repetition),
            "object_name": np.array([object_name[i] for i in ids]), "trial": np.array(trial),
            "neuroid_id": a.neuroid_id.values.astype(str), "neuroid_region": a.region.values.astype(str),
            "neuroid_depth": a.depth.values, "time_bin_start": a.time_bin_start.values,
            "time_bin_end": a.time_bin_end.values}


def hdf5():
    with h5py.File(os.path.join(folder, "recording.h5"), "w", track_order=False) as f:
        f["responses"] = x
        for name, array in arrays().items():
            group, own = "stimulus", name
            if name == "responses":
                continue
            if name.startswith("neuroid_"):
                group, own = "neuroid", name if name == "neuroid_id" else name[8:]
            if name.startswith("time_bin"):
                group = "time_bin"
            if array.dtype.kind == "U":
                array = array.astype(h5py.string_dtype())
            f.require_group(group)[own] = array


def cells(list_):
    c = np.empty((len(list_), 1), dtype=object)
    for i, text in enumerate(list_):
        c[i, 0] = text
    return c


def matlab():
    variables = {"responses": x}
    for name, array in arrays().items():
        if name != "responses":
            variables[name] = cells(array.tolist()) if array.dtype.kind == "U" else array.astype("f8")
    scipy.io.savemat(os.path.join(folder, "recording.mat"), variables, do_compression=True)
    path = os.path.join(folder, "recording.73.mat")
    with h5py.File(path, "w", userblock_size=512) as f:
        refs = f.create_group("#refs#")

        def put(where, name, data, kind, **more):
            d = where.create_dataset(name, data=data)
            d.attrs["MATLAB_class"] = np.bytes_(kind)
            for key, value in more.items():
                d.attrs[key] = value
            return d

        for name, array in arrays().items():
            if array.dtype.kind == "U":
                texts = [put(refs, "%s_%d" % (name, i), np.array([[ord(c)] for c in t], dtype="u2"), "char",
                             MATLAB_int_decode=np.int32(2)).ref for i, t in enumerate(array.tolist())]
                put(f, name, np.array([texts], dtype=h5py.ref_dtype), "cell")
            elif name == "responses":
                put(f, name, x.transpose(2, 1, 0), "double")
            else:
                put(f, name, array.astype("f8").reshape(1, -1), "double")
    head = b"MATLAB 7.3 MAT-file, as written by tests/peers/assembly.py".ljust(116) + b"\0" * 8 + b"\x00\x02IM"
    with open(path, "r+b") as out:
        out.write(head)


a.to_netcdf(os.path.join(folder, "recording.nc"), engine="h5netcdf")
np.savez(os.path.join(folder, "recording.npz"), **arrays())
hdf5()
matlab()
with open(os.path.join(folder, "recording.json"), "w") as out:
    json.dump(expected(), out, indent=None, separators=(",", ":"))
    out.write("\n")
