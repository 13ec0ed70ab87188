/* conv_plan.h: what the three passes of a convolution share: prepared images and their tables of offsets. Used by
 * conv.c, conv_grad.c and conv_lanes.c only. */
#ifndef LM_OPS_CORE_CONV_PLAN_H
#define LM_OPS_CORE_CONV_PLAN_H

#include "kernels/kernels.h"
#include "ops/core/conv.h"
#include "ops/core/gemm.h"

/* A convolution of `groups` groups of c planes by weights of m rows each, pixels grouped `images` at a time so that
 * small images fill whole panels. */
typedef struct lm_conv_plan {
  const lm_kernels *kernels;
  int64_t size;                   /* bytes of an element */
  int64_t n, groups, m, k;        /* images; per group: outputs, c * kh * kw */
  lm_conv_image image;            /* one group of one image */
  int64_t oh, ow, pixels, step_h; /* pixels = oh * ow; prepared rows between output rows */
  int64_t images, teams;          /* images prepared together, and how many such teams there are */
  bool bare;                      /* a prepared image is the image itself, and the next one follows it */
  int64_t prepared;               /* elements of one prepared image */
  int64_t team_bytes;             /* of the prepared images of a team, with room to read a vector beyond */
  int64_t *tap;                   /* k offsets */
  int64_t *pixel;                 /* images * pixels offsets */
} lm_conv_plan;

/* The plan of the forward pass of s. On success the caller frees p->tap (p->pixel lies in it). */
lm_status lm_conv_plan_make(lm_conv_plan *p, const lm_conv_shape *s, lm_err *e);

/* Prepares group `group` of images [first, first + images) side by side. x holds n images of groups * c planes. */
void lm_conv_prepare(const lm_conv_plan *p, char *dst, const void *x, int64_t first, int64_t images, int64_t group);

/* Whether the images before number `end` are read where they lie: what is read beyond them lies in later images. */
static inline bool lm_conv_reads_in_place(const lm_conv_plan *p, int64_t end) {
  return p->bare && (p->n - end) * p->prepared >= 2 * p->kernels->gemm->vec;
}

/* Runs a plan: y[n, groups * m, oh, ow] from x and packed weights (groups matrices of m x k). */
lm_status lm_conv_run(const lm_conv_plan *p, const void *x, const void *packed, const void *bias, bool relu, void *y,
                      lm_err *e);

/* The weight gradient of groups with one output each (m = 1), a vector of groups at a time: conv_lanes.c. */
lm_status lm_conv_weigh_lanes(const lm_conv_plan *p, int64_t chunks, const void *dy, const void *x, void *dw,
                              lm_err *e);

#endif
