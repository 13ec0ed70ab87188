/* augment_values.h: the steps of augment.h that change pixels' values and leave them where they are. */
#ifndef LM_IMAGE_AUGMENT_VALUES_H
#define LM_IMAGE_AUGMENT_VALUES_H

#include "base/rng.h"
#include "image/augment.h"

/* Gaussian of this sigma, weights normalised, cut off at 3 sigma; 0 changes nothing. Rows first, then columns. */
lm_status lm_step_blur(lm_image *p, double sigma, const char *name, lm_err *e);

double lm_step_mean(const lm_image *p);                        /* over pixels and channels */
void lm_step_scale(lm_image *p, double centre, double factor); /* centre + factor (x - centre) */
void lm_step_clip(lm_image *p, double low, double high);
void lm_step_noise(lm_image *p, double deviation, lm_key key, int64_t item);
lm_status lm_step_standardise(lm_image *p, const lm_step *s, const char *name, lm_err *e);

#endif
