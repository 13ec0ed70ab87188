/* png.h: PNG pictures, through libpng. No gamma, background or colour profile is applied: samples are as stored. */
#ifndef LM_IO_PNG_H
#define LM_IO_PNG_H

#include "tensor/tensor.h"

/* The picture as a tensor C,H,W: uint8, or, for pictures of 16 bits, float32 with values 0 to 65535. Grey of 1, 2
 * and 4 bits is scaled to 0..255; palettes and transparency become colours and alpha; interlaced pictures are put
 * together. Gamma, colour profiles and background colours (gAMA, cHRM, iCCP, sRGB, bKGD) change nothing. channels and
 * conversions as in lm_picture_tensor. Damaged files are refused, checksums included. */
lm_status lm_png_read(lm_tensor **out, const char *path, int channels, lm_err *e);
lm_status lm_png_decode(lm_tensor **out, const char *name, const void *bytes, int64_t n, int channels, lm_err *e);

/* Writes H,W or C,H,W with C of 1, 3 or 4, 8 bits deep: uint8 as it is, floats in [0, 1] as round(255 x); a float
 * outside, or NaN, is an argument error. */
lm_status lm_png_write(const char *path, const lm_tensor *t, lm_err *e);

#endif
