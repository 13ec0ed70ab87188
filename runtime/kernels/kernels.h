/* kernels.h: the tables of loops, one for each instruction set and floating type, and how one is chosen.
 *
 * A kernel family NAME is runtime/kernels/NAME.h (its table of function pointers) and NAME.c (compiled once per
 * instruction set and type, see template.h). Families are listed here and nowhere else. */
#ifndef LM_KERNELS_KERNELS_H
#define LM_KERNELS_KERNELS_H

#include "base/cpu.h"
#include "kernels/attention.h"
#include "kernels/conv.h"
#include "kernels/draws.h"
#include "kernels/elementwise.h"
#include "kernels/fft.h"
#include "kernels/gemm.h"
#include "kernels/linalg.h"
#include "kernels/norm.h"
#include "kernels/optim.h"
#include "kernels/pool.h"
#include "kernels/recurrent.h"
#include "kernels/reduce.h"
#include "kernels/resample.h"
#include "kernels/sparse.h"
#include "kernels/winograd.h"
#include "tensor/dtype.h"

/* X(family, type, isa) for each. */
#define LM_KERNEL_FAMILIES(X, type, isa)                                                                             \
  X(elementwise, type, isa)                                                                                          \
  X(reduce, type, isa)                                                                                               \
  X(gemm, type, isa)                                                                                                 \
  X(conv, type, isa)                                                                                                 \
  X(pool, type, isa)                                                                                                 \
  X(optim, type, isa)                                                                                                \
  X(linalg, type, isa)                                                                                               \
  X(winograd, type, isa)                                                                                             \
  X(norm, type, isa)                                                                                                 \
  X(resample, type, isa)                                                                                             \
  X(fft, type, isa)                                                                                                  \
  X(recurrent, type, isa)                                                                                            \
  X(attention, type, isa)                                                                                            \
  X(draws, type, isa)                                                                                                \
  X(sparse, type, isa)

typedef struct lm_kernels {
#define X(family, type, isa) const lm_kernel_##family *family;
  LM_KERNEL_FAMILIES(X, , )
#undef X
} lm_kernels;

/* The tables for LM_F32 or LM_F64 on the instruction set that lm_cpu_isa() names; never NULL for these two. */
const lm_kernels *lm_kernels_of(lm_dtype dtype);

/* Those of one instruction set, for the tests that compare them; NULL where this build or processor lacks it. */
const lm_kernels *lm_kernels_for(lm_isa isa, lm_dtype dtype);

#endif
