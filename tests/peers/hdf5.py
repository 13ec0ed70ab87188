# Writes the small files of tests/fixtures/hdf5 with h5py and xarray (versions in tests/peers.lock): python3
# tests/peers/hdf5.py. The contents are simple sequences, which the specs state again.
import os

import h5py
import numpy as np
import xarray as xr

folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures", "hdf5")
os.makedirs(folder, exist_ok=True)


def types():
    with h5py.File(os.path.join(folder, "types.h5"), "w") as f:
        numbers = f.create_group("numbers")
        for code in "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8".split():
            for order in "<>":
                numbers[("le_" if order == "<" else "be_") + code] = np.arange(6).reshape(2, 3).astype(order + code)
        numbers["bool"] = np.array([True, False, True])
        numbers["complex64"] = np.array([1 + 2j, 3 - 4j], dtype="c8")
        numbers["complex128_be"] = np.array([[1 + 2j], [3 - 4j]], dtype=">c16")
        numbers["long_double"] = np.array([0.5, -2], dtype=np.longdouble)
        texts = f.create_group("texts")
        texts["fixed"] = np.array([b"ab", b"", b"cde"], dtype="S3")
        texts["variable"] = np.array([["a", "\u03b2"], ["\U0001f9e0", ""]], dtype=h5py.string_dtype())
        texts["one"] = "only \u00e9"
        x = np.arange(200.0).reshape(50, 4)
        layouts = f.create_group("layouts")
        layouts.create_dataset("chunked", data=x, chunks=(7, 3))
        layouts.create_dataset("gzip", data=x, chunks=(7, 3), compression="gzip", shuffle=True, fletcher32=True)
        layouts.create_dataset("lzf", data=np.tile(np.arange(8), 30), chunks=(64,), compression="lzf", shuffle=True)
        layouts.create_dataset("fill", shape=(3, 2), dtype="i4", chunks=(2, 2), fillvalue=-5)
        layouts.create_dataset("scaleoffset", data=np.arange(10), chunks=(5,), scaleoffset=0)
        layouts.create_dataset("none", shape=(0, 3), dtype="f4")
        layouts["scalar"] = 2.5
        layouts["null"] = h5py.Empty("f4")
        other = f.create_group("other")
        person = np.dtype([("name", h5py.string_dtype()), ("age", "u1"), ("place", "f4", (2,))])
        other["compound"] = np.array([("Ada", 36, (1, 2)), ("Alan", 41, (3, 4))], dtype=person)
        runs = other.create_dataset("vlen", (2,), dtype=h5py.vlen_dtype("i4"))
        runs[0], runs[1] = [1, 2, 3], []
        other["enum"] = np.array([0, 2], dtype=h5py.enum_dtype({"red": 0, "blue": 2}, basetype="u2"))
        other["reference"] = np.array([texts["one"].ref, f["numbers"].ref], dtype=h5py.ref_dtype)
        other["region"] = np.array([layouts["gzip"].regionref[0:2]], dtype=h5py.regionref_dtype)
        other["opaque"] = np.array([b"\x00\x01"], dtype="V2")
        other["soft"] = h5py.SoftLink("/texts/one")
        other["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
        f.attrs["title"] = "types"
        f["layouts/gzip"].attrs["unit"] = "ms"
        f["layouts/gzip"].attrs["rate"] = np.float32(0.5)
        f["layouts/gzip"].attrs["span"] = np.array([1, 2])
        f["layouts/gzip"].attrs["names"] = ["a", "b"]


def outside():
    with open(os.path.join(folder, "outside.bin"), "wb") as raw:
        raw.write(b"secret!!")
    with h5py.File(os.path.join(folder, "outside.h5"), "w") as f:
        f.create_dataset("raw", shape=(8,), dtype="u1", external=[("outside.bin", 0, 8)])
        layout = h5py.VirtualLayout(shape=(2, 6), dtype="i4")
        layout[0] = h5py.VirtualSource("other.h5", "x", shape=(6,))
        f.create_virtual_dataset("virtual", layout)
        f["x"] = np.arange(6, dtype="i4")
        layout = h5py.VirtualLayout(shape=(6,), dtype="i4")
        layout[:] = h5py.VirtualSource(".", "x", shape=(6,))
        f.create_virtual_dataset("own", layout)
        f["huge"] = np.array([1, 2**63], dtype="u8")
        f.create_dataset("vast", shape=(2**40,), dtype="f8", chunks=(1024,))


def netcdf():
    data = np.arange(24, dtype="f4").reshape(6, 4, 1)
    data[1, 2, 0] = np.nan
    a = xr.DataArray(data, dims=("presentation", "neuroid", "time_bin"), name="responses", coords={
        "stimulus_id": ("presentation", ["a", "b", "c", "a", "b", "c"]),
        "repetition": ("presentation", [0, 0, 0, 1, 1, 1]),
        "neuroid_id": ("neuroid", ["n1", "n2", "n3", "n4"]),
        "area": ("neuroid", ["V1", "V1", "IT", "IT"]),
        "good": ("neuroid", [True, False, True, True]),
        "time_bin": [70]})
    a.attrs["monkey"] = "M"
    a.to_netcdf(os.path.join(folder, "assembly.nc"), engine="h5netcdf", encoding={
        "responses": {"zlib": True}})
    packed = xr.Dataset({"t": (("x", "y"), np.array([[0.0, 0.5], [np.nan, 2.0]])),
                         "letters": ("x", np.array([b"ab", b"c"], dtype="S2"))}, coords={"x": [10, 20]})
    packed.to_netcdf(os.path.join(folder, "packed.nc"), engine="h5netcdf", encoding={
        "t": {"dtype": "i2", "scale_factor": 0.5, "add_offset": 1.0, "_FillValue": -99}})


def matlab():
    path = os.path.join(folder, "matlab73.mat")
    with h5py.File(path, "w", userblock_size=512) as f:
        def put(where, name, data, kind, **more):
            d = where.create_dataset(name, data=data)
            d.attrs["MATLAB_class"] = np.bytes_(kind)
            for key, value in more.items():
                d.attrs[key] = value
            return d
        refs = f.create_group("#refs#")
        put(f, "x", np.arange(6.0).reshape(3, 2), "double")  # MATLAB's 2x3
        put(f, "small", np.array([[1], [2]], dtype="i2"), "int16")
        put(f, "flag", np.array([[1], [0]], dtype="u1"), "logical", MATLAB_int_decode=np.int32(1))
        put(f, "word", np.array([[ord(c)] for c in "h\u00e9llo"], dtype="u2"), "char", MATLAB_int_decode=np.int32(2))
        put(f, "z", np.array([[(1, 2), (3, -1)]], dtype=[("real", "f8"), ("imag", "f8")]), "double")
        put(f, "nothing", np.array([0, 3], dtype="u8"), "double", MATLAB_empty=np.uint8(1))
        a = put(refs, "a", np.array([[7.0]]), "double")
        b = put(refs, "b", np.array([[ord("q")]], dtype="u2"), "char", MATLAB_int_decode=np.int32(2))
        put(f, "cells", np.array([[a.ref], [b.ref]], dtype=h5py.ref_dtype), "cell")
        s = f.create_group("s")
        s.attrs["MATLAB_class"] = np.bytes_("struct")
        put(s, "depth", np.array([[0.25]]), "double")
        put(s, "label", np.array([[ord("L")]], dtype="u2"), "char", MATLAB_int_decode=np.int32(2))
        many = f.create_group("many")
        many.attrs["MATLAB_class"] = np.bytes_("struct")
        many["id"] = np.array([[a.ref], [b.ref]], dtype=h5py.ref_dtype)
        m = f.create_group("sp")
        m.attrs["MATLAB_class"] = np.bytes_("double")
        m.attrs["MATLAB_sparse"] = np.uint64(3)
        m["data"] = np.array([5.0, 6.0])
        m["ir"] = np.array([2, 0], dtype="u8")
        m["jc"] = np.array([0, 1, 2], dtype="u8")
        loop = refs.create_dataset("loop", (1, 1), dtype=h5py.ref_dtype)
        loop.attrs["MATLAB_class"] = np.bytes_("cell")
        loop[0, 0] = loop.ref
        put(f, "endless", np.array([[loop.ref]], dtype=h5py.ref_dtype), "cell")
    head = b"MATLAB 7.3 MAT-file, as written by tests/peers/hdf5.py".ljust(116) + b"\0" * 8 + b"\x00\x02IM"
    with open(path, "r+b") as out:
        out.write(head)


types()
outside()
netcdf()
matlab()
