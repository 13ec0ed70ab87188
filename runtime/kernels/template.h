/* template.h: what every kernel file is written in.
 *
 * A file runtime/kernels/NAME.c is compiled once per instruction set and element type, with
 *   LM_ISA_NAME, LM_ISA_HEADER  of an instruction set: isa/NAME.h        LM_REAL_IS_F32 or LM_REAL_IS_F64
 * and writes its functions as `static` plus one exported table named KERNEL(NAME). Loops are over raw pointers: no
 * tensors, no malloc, no errors, no threads. The order of operations may depend on the sizes given, never on the
 * vector width: an accumulator belongs to one output element, or to one of LM_LANES fixed lanes joined by
 * lanes_sum(). Plain loops over `real` with FMA() vectorise by themselves; `vec` is for the loops that must be laid
 * out by hand. */
#ifndef LM_KERNELS_TEMPLATE_H
#define LM_KERNELS_TEMPLATE_H

#ifdef __FAST_MATH__
#error "Lamina's results are defined bit for bit: do not build with -ffast-math"
#endif

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/fma.h"

#define LM_JOIN2_(a, b)       a##b
#define LM_JOIN2(a, b)        LM_JOIN2_(a, b)
#define LM_JOIN4_(a, b, c, d) a##b##c##d
#define LM_JOIN4(a, b, c, d)  LM_JOIN4_(a, b, c, d)

#if defined(LM_REAL_IS_F32)
#define LM_REAL_BYTES 4
typedef float real;
typedef int32_t real_int; /* an integer of the same width, for bit work */
typedef uint32_t real_uint;
#define KERNEL(name) LM_JOIN4(lm_kernel_, name, _f32_, LM_ISA_NAME)
#elif defined(LM_REAL_IS_F64)
#define LM_REAL_BYTES 8
typedef double real;
typedef int64_t real_int;
typedef uint64_t real_uint;
#define KERNEL(name)  LM_JOIN4(lm_kernel_, name, _f64_, LM_ISA_NAME)
#endif

/* The fixed number of lanes of a reduction, the same on every instruction set. */
enum { LM_LANES = 16 };

#if defined(LM_REAL_IS_F32)
#define FMA(a, b, c) lm_fma_f32((a), (b), (c))
#else
#define FMA(a, b, c) lm_fma_f64((a), (b), (c))
#endif

/* ---- vectors of the instruction set's own width -------------------------------------------------------------- */

/* LM_VEC_BYTES, LM_TILE_ROWS, vec, and what the set does in its own way. Each of the functions below that it has
 * itself it names in a macro, too. */
#ifndef LM_ISA_HEADER
#define LM_ISA_HEADER "kernels/isa/generic.h"
#endif
#include LM_ISA_HEADER

#ifndef vec_fma
static inline vec vec_fma(vec a, vec b, vec c) {
  vec r;
  for (int i = 0; i < VEC; i++) r[i] = FMA(a[i], b[i], c[i]);
  return r;
}
#endif

/* The first n of a vector's elements, 0 <= n <= VEC; the others are read as +0 and not written. */
#ifndef vec_load_some
static inline vec vec_load_some(const real *p, int n) {
  vec v = {0};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
}
#endif

#ifndef vec_store_some
static inline void vec_store_some(real *p, vec v, int n) {
  real t[VEC];
  vec_store(t, v);
  for (int i = 0; i < n; i++) p[i] = t[i];
}
#endif

/* Elements [low, high) of the vector at p, 0 <= low <= high <= VEC; the others are +0 and not read. */
#ifndef vec_load_range
static inline vec vec_load_range(const real *p, int low, int high) {
  vec v = {0};
  for (int i = low; i < high; i++) v[i] = p[i];
  return v;
}
#endif

/* The first n elements of v, 0 <= n <= VEC; the others become +0. */
#ifndef vec_keep
static inline vec vec_keep(vec v, int n) {
  for (int i = 0; i < VEC; i++) v[i] = i < n ? v[i] : (real)0;
  return v;
}
#endif

/* v where v > 0 or NaN, else +0. */
#ifndef vec_relu
static inline vec vec_relu(vec v) {
  const vec_int drop = v <= (vec){0};
  return (vec)((vec_int)v & ~drop);
}
#endif

/* a where it is above b, else b. */
#ifndef vec_above
static inline vec vec_above(vec a, vec b) {
  const vec_int above = a > b;
  return (vec)((above & (vec_int)a) | (~above & (vec_int)b));
}
#endif

/* The high and the low words of m x[i]. */
#ifndef words_multiply
static inline void words_multiply(uint32_t m, const uint32_t x[16], uint32_t high[16], uint32_t low[16]) {
  for (int i = 0; i < 16; i++) {
    const uint64_t product = (uint64_t)m * x[i];
    high[i] = (uint32_t)(product >> 32);
    low[i] = (uint32_t)product;
  }
}
#endif

/* The sum of LM_LANES accumulators by a fixed tree: halves onto halves. */
static inline real lanes_sum(const real lanes[LM_LANES]) {
  typedef real lane16 __attribute__((vector_size(16 * sizeof(real))));
  typedef real lane8 __attribute__((vector_size(8 * sizeof(real))));
  typedef real lane4 __attribute__((vector_size(4 * sizeof(real))));
  lane16 t;
  memcpy(&t, lanes, sizeof t);
  const lane8 u = __builtin_shufflevector(t, t, 0, 1, 2, 3, 4, 5, 6, 7) +
                  __builtin_shufflevector(t, t, 8, 9, 10, 11, 12, 13, 14, 15);
  const lane4 v = __builtin_shufflevector(u, u, 0, 1, 2, 3) + __builtin_shufflevector(u, u, 4, 5, 6, 7);
  return (v[0] + v[2]) + (v[1] + v[3]);
}

#endif
