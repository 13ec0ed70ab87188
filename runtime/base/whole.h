/* whole.h: whole numbers. */
#ifndef LM_BASE_WHOLE_H
#define LM_BASE_WHOLE_H

#include <stdint.h>

static inline int64_t lm_smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* a / b rounded up, for a >= 0 and b > 0. */
static inline int64_t lm_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

#endif
