"""Writes tests/runtime/io/jpeg_cases.h: small JPEG files of every kind that is read, and what Pillow makes of them.

    python tests/peers/jpeg.py > tests/runtime/io/jpeg_cases.h

The peer is Pillow (tests/peers.lock), whose decoder is libjpeg-turbo too, with its defaults: the same transform and
upsampling, so pixels must be equal.
"""
import io

import numpy as np
from PIL import Image, ImageOps

y, x = np.mgrid[0:19, 0:21]
rgb = np.stack([(x * 12) % 256, (y * 13 + x) % 256, ((x - 8) ** 2 + (y - 9) ** 2) * 2 % 256], -1).astype(np.uint8)
grey = rgb[..., 1].copy()


def encoded(mode, **options):
    buffer = io.BytesIO()
    picture = Image.fromarray(grey if mode == "L" else rgb)
    if mode == "CMYK":
        picture = Image.fromarray(np.concatenate([rgb, grey[..., None] // 3], -1), "CMYK")
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def oriented(value):
    """The second case with an EXIF orientation, upright."""
    exif = Image.Exif()
    exif[0x0112] = value
    data = encoded("RGB", quality=90, subsampling=0, exif=exif)
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))


cases = [
    ("grey", encoded("L", quality=80)),
    ("colour 4:4:4", encoded("RGB", quality=90, subsampling=0)),
    ("colour 4:2:2", encoded("RGB", quality=75, subsampling=1)),
    ("colour 4:2:0", encoded("RGB", quality=75, subsampling=2)),
    ("progressive 4:2:0", encoded("RGB", quality=50, subsampling=2, progressive=True)),
    ("progressive grey", encoded("L", quality=50, progressive=True)),
    ("restart markers", encoded("RGB", quality=70, restart_marker_blocks=1)),
    ("RGB without a transform", encoded("RGB", quality=85, keep_rgb=True)),
    ("CMYK", encoded("CMYK", quality=90)),
]


def listed(name, values):
    text = ", ".join(str(v) for v in values)
    lines, line = [], "   "
    for word in text.split(" "):
        if len(line) + len(word) > 116:
            lines.append(line)
            line = "   "
        line += " " + word
    return "static const unsigned char %s[] = {\n%s};\n" % (name, "\n".join(lines + [line]))


print("/* jpeg_cases.h: made by tests/peers/jpeg.py with Pillow: files, and their pixels (H,W,C) as stored.")
print(" * The digest is FNV-1a over the pixels, 64 bits. */")
print("/* clang-format off */")


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 % 2**64
    return h


rows = []
for i, (name, data) in enumerate(cases):
    print(listed("case_%d" % i, data), end="")
    stored = Image.open(io.BytesIO(data))
    stored.load()
    plain = stored if stored.mode == "L" else stored.convert("RGB")
    l = np.asarray(plain.convert("L"))
    a = np.asarray(plain)
    rows.append('    {"%s", case_%d, sizeof case_%d, %d, %d, %d, 0x%016xu, 0x%016xu},' % (
        name, i, i, 1 if a.ndim == 2 else 3, a.shape[0], a.shape[1], fnv(a.tobytes()), fnv(l.tobytes())))
print("""static const struct jpeg_case {
  const char *name;
  const unsigned char *bytes;
  size_t n;
  int channels, height, width;
  uint64_t digest, grey; /* of the pixels as stored, and converted to grey */
} jpeg_cases[] = {""")
print("\n".join(rows))
print("};")
print("/* The second picture upright, for each EXIF orientation from 1. */")
print("static const uint64_t jpeg_upright[8] = {")
print(",\n".join("    0x%016xu" % fnv(oriented(k).tobytes()) for k in range(1, 9)) + "};")
