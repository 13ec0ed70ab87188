/* sixel.h: pictures as the text that terminals with DEC sixel graphics show (VT330/340 Programmer Reference, volume
 * 2, chapter 14). */
#ifndef LM_IMAGE_SIXEL_H
#define LM_IMAGE_SIXEL_H

#include "tensor/tensor.h"

#include <stddef.h>

/* *text becomes the sequence, of *size bytes (lm_free), for a picture of uint8, 3 x height x width, at most 4096 in
 * each direction. Colours are the nearest of 216: 6 levels each of red, green and blue. */
lm_status lm_sixel(char **text, size_t *size, const lm_tensor *image, lm_err *e);

#endif
