/* jpeg.h: JPEG pictures (ITU-T T.81, JFIF, EXIF), through libjpeg-turbo, with the same bits everywhere: the accurate
 * integer transform (ISLOW), smooth upsampling of colour, no smoothing of blocks.
 *
 * Read: baseline and progressive Huffman coding, 8 bits; grey, YCbCr, RGB, CMYK and YCCK. Of the last two red is
 * (255 - C) (255 - K) / 255 rounded (green and blue alike), with Adobe's inverted values turned back first; no colour
 * profile is applied. Refused: whatever is truncated or damaged as far as the format can tell (it has no checksums),
 * arithmetic coding, and files that are too short for the size they claim. A build without libjpeg-turbo answers
 * LM_ERR_MISSING. */
#ifndef LM_IO_JPEG_H
#define LM_IO_JPEG_H

#include "tensor/tensor.h"

/* The picture as a uint8 tensor C,H,W; channels and conversions as in lm_picture_tensor, upright as in
 * lm_picture_read. */
lm_status lm_jpeg_read(lm_tensor **out, const char *path, int channels, bool upright, lm_err *e);
lm_status lm_jpeg_decode(lm_tensor **out, const char *name, const void *bytes, int64_t n, int channels, bool upright,
                         lm_err *e);

/* Writes H,W or C,H,W with 1 or 3 channels, baseline, quality 1 to 100, colour at full resolution (4:4:4): uint8 as
 * it is, floats in [0, 1] as round(255 x). */
lm_status lm_jpeg_write(const char *path, const lm_tensor *t, int quality, lm_err *e);

#endif
