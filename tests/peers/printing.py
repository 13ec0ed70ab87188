"""Writes tests/interp/printing_numpy.lua: how NumPy prints arrays, for tests/interp/printing_spec.lua.

Run from the top folder: python tests/peers/printing.py. True, False and 0-d arrays are written as Lamina writes them.
"""
import textwrap

import numpy as np

CASES = [
    ("float32", [1, 2, 3]),
    ("float32", [[1, 2.5], [-3.25, 100]]),
    ("float32", [0.1, 0.2, 1 / 3]),
    ("float64", [0.1, 1 / 3, 2e5]),
    ("float32", [1e-10, 1, 1e10]),
    ("float64", [1e-300, 1e300, -1.5]),
    ("float32", [1e8, 1]),
    ("float32", [12345678, 0.5]),
    ("float32", [0.1, 100 / 3, -1.82296693]),
    ("float32", [[-3.49999952, 7.26782417]]),
    ("float32", [-0.0011505966, 0.34448713]),
    ("float64", [0.0011505966, 0.25]),
    ("float64", [1.000000001, 2.5]),
    ("float64", [1.0000000001e-10, 2.5e9]),
    ("float32", [1.1e10, 1e10 / 3]),
    ("float64", [1.1e10, 1e10 / 3]),
    ("float32", [i * i / 7 for i in range(30)]),
    ("float32", [0, 0, 0]),
    ("float32", [float("nan"), 1, float("inf"), -float("inf")]),
    ("float32", [float("nan"), float("nan")]),
    ("float32", [float("inf"), 0.001, -1]),
    ("float64", [0.0001, 0.001]),
    ("float64", [0.00001, 0.5]),
    ("float64", [-0.0, 0.0]),
    ("int64", [1, -20, 300]),
    ("int64", [[1, 2], [3, 9007199254740993]]),
    ("uint8", [0, 7, 255]),
    ("bool", [True, False]),
    ("float32", []),
    ("int64", [[], []]),
    ("int64", list(range(40))),
    ("float64", [i / 7 for i in range(20)]),
    ("int64", np.arange(24).reshape(2, 3, 4).tolist()),
    ("int64", np.arange(16).reshape(2, 2, 2, 2).tolist()),
    ("int64", list(range(2000))),
    ("int64", np.arange(1200).reshape(40, 30).tolist()),
    ("int64", np.arange(2000).reshape(10, 10, 20).tolist()),
]

def lua(value):
    if isinstance(value, list):
        return "{ " + ", ".join(lua(v) for v in value) + " }" if value else "{}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return "0 / 0"
        if value in (float("inf"), -float("inf")):
            return "math.huge" if value > 0 else "-math.huge"
        return repr(value)
    return repr(value)

def source(dtype, value):
    a = np.array(value)
    if a.size > 100:
        shape = ", ".join(str(n) for n in a.shape)
        return f"arange(0, {a.size - 1}):reshape({shape})"
    return f'tensor({lua(value)}, {{ dtype = "{dtype}" }})'

np.set_printoptions(linewidth=100)
print("writing with NumPy", np.__version__)
with open("tests/interp/printing_numpy.lua", "w") as out:
    out.write("-- Made by tests/peers/printing.py with NumPy " + np.__version__ + ": { tensor, its text }.\n")
    out.write('local core = require "lamina.core.tensor"\nlocal arange, tensor = core.arange, core.tensor\n\nreturn {\n')
    for dtype, value in CASES:
        text = str(np.array(value, dtype=dtype)).replace("True", "true").replace("False", "false")
        made = "{ " + source(dtype, value) + ","
        out.write(textwrap.fill(made, 110, initial_indent="  ", subsequent_indent="    "))
        out.write("\n    [=[\n" + text + "]=] },\n")
    out.write("}\n")
