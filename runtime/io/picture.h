/* picture.h: pictures of any format that is read, told apart by their first bytes: PNG and JPEG. */
#ifndef LM_IO_PICTURE_H
#define LM_IO_PICTURE_H

#include "tensor/tensor.h"

/* What a decoder leaves: rows from the top, the channels of a pixel together, 8 bits or 16 (big-endian). 1 channel
 * is grey, 2 grey and alpha, 3 colour, 4 colour and alpha. */
typedef struct lm_samples {
  const unsigned char *data;
  int64_t width, height;
  int channels, depth;
} lm_samples;

/* The samples as a tensor C,H,W: uint8, or, of 16 bits, float32 with values 0 to 65535. channels = 0 keeps what there
 * is. 1, 3 and 4 convert: colour to grey with the weights of ITU-R BT.601 (19595 R + 38470 G + 7471 B + 32768) /
 * 65536 rounded down; grey to three equal colours; alpha is dropped without blending, or added as opaque. */
lm_status lm_picture_tensor(lm_tensor **out, const char *name, const lm_samples *samples, int channels, lm_err *e);

/* LM_ERR_ARGUMENT unless channels is 0, 1, 3 or 4; `what` is the format, for the message. */
lm_status lm_picture_check(const char *what, int channels, lm_err *e);

/* For writers: the channels, width and height of a picture H,W or C,H,W of uint8 or floats; and its elements as 8-bit
 * samples, floats in [0, 1] as round(255 x). A float outside, or NaN, is an argument error. */
lm_status lm_picture_writable(const char *what, const lm_tensor *t, int *channels, int64_t *width, int64_t *height,
                              lm_err *e);
lm_status lm_picture_levels(const char *what, unsigned char *samples, const lm_tensor *t, int channels, int64_t width,
                            int64_t height, lm_err *e);

/* The picture in a file, or in n bytes; `name` begins the messages. upright: a JPEG that says how it was held (EXIF
 * orientation) is turned so that its top is up; otherwise it stays as it is stored. */
lm_status lm_picture_read(lm_tensor **out, const char *path, int channels, bool upright, lm_err *e);
lm_status lm_picture_decode(lm_tensor **out, const char *name, const void *bytes, int64_t n, int channels,
                            bool upright, lm_err *e);

#endif
