/* gabor_descent.c: the Gabor function, its slopes, and Levenberg-Marquardt (Marquardt 1963) with scaling by the
 * diagonal, on nine parameters. */
#include "kernels/kernels.h"
#include "stats/gabor.h"
#include "stats/gabor_parts.h"

#include "base/scalar.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { P = LM_GABOR };
static const double turn = 6.283185307179586, small = 1e-12;

int64_t gabor_room_size(int64_t n) { return (7 + P) * n; }

gabor_room gabor_room_of(double *memory, int64_t n) {
  return (gabor_room){memory,         memory + n,     memory + 2 * n, memory + 3 * n,
                      memory + 4 * n, memory + 5 * n, memory + 6 * n, memory + 7 * n};
}

static double dot(int64_t n, const double *a, const double *b) { return lm_kernels_of(LM_F64)->linalg->dot(n, a, b); }

static void each(lm_unary kind, int64_t n, const double *in, double *out) {
  lm_kernels_of(LM_F64)->elementwise->unary[kind](n, in, out, 0, 0);
}

/* Places across and along the bars. */
static void rotate(const gabor_field *k, gabor_room *room, double mx, double my, double angle) {
  const double s = lm_sin(angle * gabor_degree), c = lm_cos(angle * gabor_degree);
  for (int64_t i = 0; i < k->n; i++) {
    double dx = k->x[i] - mx, dy = k->y[i] - my;
    room->u[i] = dx * s + dy * c;
    room->v[i] = dx * c - dy * s;
  }
}

void gabor_project(const gabor_field *k, gabor_room *room, double mx, double my, double angle, double wavelength,
                   double *re, double *im) {
  const double rate = turn / wavelength;
  rotate(k, room, mx, my, angle);
  for (int64_t i = 0; i < k->n; i++) room->v[i] = rate * room->u[i];
  each(LM_U_COS, k->n, room->v, room->wave);
  each(LM_U_SIN, k->n, room->v, room->quarter);
  *re = dot(k->n, k->z, room->wave);
  *im = dot(k->n, k->z, room->quarter);
}

/* Envelope and wave at p, and what is left of the field; the sum of its squares, infinite where that is no number. */
static double residuals(const gabor_field *k, gabor_room *room, const double *p, double *left) {
  const double rate = turn / p[4], phase = p[5] * gabor_degree;
  const double across = -1 / (2 * p[6] * p[6]), along = -1 / (2 * p[7] * p[7]);
  rotate(k, room, p[1], p[2], p[3]);
  for (int64_t i = 0; i < k->n; i++) {
    double u = room->u[i], v = room->v[i];
    room->envelope[i] = across * u * u + along * v * v;
    room->wave[i] = rate * u + phase;
  }
  each(LM_U_EXP, k->n, room->envelope, room->envelope);
  memcpy(room->quarter, room->wave, (size_t)k->n * sizeof(double)); /* the angles, for the sines of slopes */
  each(LM_U_COS, k->n, room->wave, room->wave);
  for (int64_t i = 0; i < k->n; i++) left[i] = k->z[i] - (p[8] + p[0] * room->envelope[i] * room->wave[i]);
  double sum = dot(k->n, left, left);
  return isnan(sum) ? INFINITY : sum;
}

/* The slopes of the function at p, a row for each parameter; the last call of residuals was at p. */
static void fill_slopes(const gabor_field *k, gabor_room *room, const double *p) {
  const int64_t n = k->n;
  const double rate = turn / p[4], s = lm_sin(p[3] * gabor_degree), c = lm_cos(p[3] * gabor_degree);
  const double a2 = 1 / (p[6] * p[6]), b2 = 1 / (p[7] * p[7]);
  double *out = room->slopes;
  each(LM_U_SIN, n, room->quarter, room->quarter);
  for (int64_t i = 0; i < n; i++) {
    double u = room->u[i], v = room->v[i], g = p[0] * room->envelope[i];
    double even = g * room->wave[i], odd = g * room->quarter[i];
    double by_u = -even * u * a2 - odd * rate, by_v = -even * v * b2;
    out[i] = room->envelope[i] * room->wave[i];
    out[n + i] = -s * by_u - c * by_v;
    out[2 * n + i] = s * by_v - c * by_u;
    out[3 * n + i] = gabor_degree * (v * by_u - u * by_v);
    out[4 * n + i] = odd * rate * u / p[4];
    out[5 * n + i] = -odd * gabor_degree;
    out[6 * n + i] = even * u * u * a2 / p[6];
    out[7 * n + i] = even * v * v * b2 / p[7];
    out[8 * n + i] = 1;
  }
}

/* The slopes' products with one another and with what is left. */
static void products(const gabor_field *k, gabor_room *room, const double *left, double a[P][P], double b[P]) {
  for (int i = 0; i < P; i++) {
    const double *row = room->slopes + i * k->n;
    for (int j = 0; j <= i; j++) a[i][j] = a[j][i] = dot(k->n, row, room->slopes + j * k->n);
    b[i] = dot(k->n, row, left);
  }
}

/* a = L L' in its lower triangle; false where a is not positive definite. */
static bool factor(double a[P][P]) {
  for (int i = 0; i < P; i++)
    for (int j = 0; j <= i; j++) {
      double sum = a[i][j];
      for (int q = 0; q < j; q++) sum -= a[i][q] * a[j][q];
      if (i == j && !(sum > 0)) return false;
      a[i][j] = i == j ? sqrt(sum) : sum / a[j][j];
    }
  return true;
}

/* Solves L L' x = b in place. */
static void substitute(double l[P][P], double *b) {
  for (int i = 0; i < P; i++) {
    for (int q = 0; q < i; q++) b[i] -= l[i][q] * b[q];
    b[i] /= l[i][i];
  }
  for (int i = P - 1; i >= 0; i--) {
    for (int q = i + 1; q < P; q++) b[i] -= l[q][i] * b[q];
    b[i] /= l[i][i];
  }
}

static double within(double value, double low, double high) { return fmin(fmax(value, low), high); }

static void keep_inside(const gabor_field *k, double *p) {
  const double side = (double)(k->w > k->h ? k->w : k->h);
  const double mx = (double)(k->w - 1) / 2, my = (double)(k->h - 1) / 2;
  p[1] = within(p[1], -side - mx, 2 * side - mx);
  p[2] = within(p[2], -side - my, 2 * side - my);
  p[4] = within(p[4], 1.5, 8 * side);
  p[6] = within(fabs(p[6]), 0.3, 4 * side);
  p[7] = within(fabs(p[7]), 0.3, 4 * side);
}

/* One step from p that lowers the sum, or false where none does. *damping: tried first; what it took. */
static bool step_down(const gabor_field *k, gabor_room *room, double *p, double *sum, double *damping) {
  double a[P][P], b[P];
  fill_slopes(k, room, p);
  products(k, room, room->residual, a, b);
  for (; *damping < 1e12; *damping *= 10) {
    double l[P][P], step[P], next[P];
    memcpy(l, a, sizeof l);
    memcpy(step, b, sizeof step);
    for (int i = 0; i < P; i++) l[i][i] = a[i][i] * (1 + *damping) + small;
    if (!factor(l)) continue;
    substitute(l, step);
    for (int i = 0; i < P; i++) next[i] = p[i] + step[i];
    keep_inside(k, next);
    double less = residuals(k, room, next, room->trial);
    if (!(less < *sum)) continue;
    memcpy(p, next, sizeof next);
    double *held = room->residual;
    room->residual = room->trial;
    room->trial = held;
    *sum = less;
    return true;
  }
  return false;
}

double gabor_descend(const gabor_field *k, gabor_room *room, double *p, int steps, double tolerance) {
  double damping = 1e-3, sum = residuals(k, room, p, room->residual);
  for (int i = 0; i < steps; i++) {
    double last = sum;
    if (!step_down(k, room, p, &sum, &damping)) break;
    if (last - sum <= tolerance * sum) break;
    damping /= 10;
  }
  return sum;
}

void gabor_covariance(const gabor_field *k, gabor_room *room, const double *p, double sum, double *covariance) {
  double a[P][P], b[P];
  const double variance = k->n > P ? sum / (double)(k->n - P) : NAN;
  residuals(k, room, p, room->residual);
  fill_slopes(k, room, p);
  products(k, room, room->residual, a, b);
  bool determined = factor(a);
  for (int j = 0; j < P; j++) {
    double unit[P] = {0};
    unit[j] = 1;
    if (determined) substitute(a, unit);
    for (int i = 0; i < P; i++) covariance[j * P + i] = determined ? unit[i] * variance : NAN;
  }
}
