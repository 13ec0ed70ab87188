/* gabor_parts.h: the parts of gabor.h's fit: a field, room to work in, and a descent. */
#ifndef LM_STATS_GABOR_PARTS_H
#define LM_STATS_GABOR_PARTS_H

#include <stdint.h>

static const double gabor_degree = 0.017453292519943295;

typedef struct gabor_field {
  const double *z, *x, *y; /* the pixels, and their places from the middle */
  int64_t n, w, h;
} gabor_field;

/* Numbers of a worker: n each, and 9 n of slopes. */
typedef struct gabor_room {
  double *u, *v, *envelope, *wave, *quarter, *residual, *trial, *slopes;
} gabor_room;

int64_t gabor_room_size(int64_t n); /* in doubles */
gabor_room gabor_room_of(double *memory, int64_t n);

/* The field times cos and sin of 2 pi u / wavelength, u across an orientation from (mx, my). */
void gabor_project(const gabor_field *k, gabor_room *room, double mx, double my, double angle, double wavelength,
                   double *re, double *im);

/* Levenberg-Marquardt from p, for `steps` steps at most, until one gains less than `tolerance` of the sum of squares
 * that it leaves; p ends where the sum, which is returned, is least. Wavelength, sizes and centre keep within bounds
 * that the field gives. */
double gabor_descend(const gabor_field *k, gabor_room *room, double *p, int steps, double tolerance);

/* The covariance of the parameters (9 x 9) at p, where the sum of squares is `sum`; NaN where it is undetermined. */
void gabor_covariance(const gabor_field *k, gabor_room *room, const double *p, double sum, double *covariance);

#endif
