/* vectors.h: a vector of LM_VEC_BYTES, and what every processor does with it alike. Each file of isa/ says how long a
 * vector is, includes this, and goes on to what it does in its own way; template.h has the plain form of the rest. */
#ifndef LM_KERNELS_VECTORS_H
#define LM_KERNELS_VECTORS_H

enum { VEC = LM_VEC_BYTES / (int)sizeof(real) }; /* elements in a vec */
typedef real vec __attribute__((vector_size(LM_VEC_BYTES), aligned(LM_VEC_BYTES)));
typedef real vec_any __attribute__((vector_size(LM_VEC_BYTES), aligned(sizeof(real)), may_alias)); /* unaligned */
typedef real_int vec_int __attribute__((vector_size(LM_VEC_BYTES)));

static inline vec vec_load(const real *p) { return (vec) * (const vec_any *)p; }
static inline void vec_store(real *p, vec v) { *(vec_any *)p = v; }
static inline vec vec_all(real x) { return x - (vec){0}; }

#endif
