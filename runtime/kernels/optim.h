/* optim.h: one optimiser step over n contiguous elements of one parameter.
 *
 * Every element is updated by itself, so nothing depends on how the elements are divided. With g the gradient, times
 * scale and then kept within +-limit:
 *
 *   sgd    g' = decay p + g;  b = momentum b + g';  d = nesterov ? momentum b + g' : b;  p = p - rate d
 *   adam   g' = decay p + g   (decoupled: p = p - rate decay p instead, then g' = g)
 *          m = beta1 m + (1 - beta1) g';  v = beta2 v + (1 - beta2) g'^2
 *          p = p - rate m / (root_scale sqrt(v) + epsilon),  root_scale = 1 / sqrt(1 - beta2^t),
 *          rate already divided by 1 - beta1^t
 *   rmsprop  g' = decay p + g;  v = beta2 v + (1 - beta2) g'^2;  d = g' / (sqrt(v) + epsilon)
 *            with momentum: b = momentum b + d, d = b;  p = p - rate d
 *   adagrad  g' = decay p + g;  v = v + g'^2;  p = p - rate g' / (sqrt(v) + epsilon)
 *
 * Memories that fade (b, m, and the v of adam and rmsprop) are 0 once they are below the smallest normal number.
 *
 * Sutskever et al. 2013 (momentum, in PyTorch's form), Kingma & Ba 2015, Loshchilov & Hutter 2019, Tieleman &
 * Hinton 2012 (rmsprop), Duchi, Hazan & Singer 2011 (adagrad). */
#ifndef LM_KERNELS_OPTIM_H
#define LM_KERNELS_OPTIM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lm_update {
  double rate, scale, decay, momentum; /* scale multiplies the gradient (clipping) */
  double limit;                        /* then bounds each of its elements; INFINITY: not at all */
  double beta1, beta2, epsilon, root_scale;
  double shrink; /* 1 - rate * decay where decay is decoupled, else 1 */
  bool nesterov;
} lm_update;

typedef struct lm_kernel_optim {
  void (*sgd)(int64_t n, void *p, const void *g, void *b, const lm_update *u); /* b NULL: no momentum */
  void (*adam)(int64_t n, void *p, const void *g, void *m, void *v, const lm_update *u);
  void (*rmsprop)(int64_t n, void *p, const void *g, void *b, void *v, const lm_update *u); /* b NULL: no momentum */
  void (*adagrad)(int64_t n, void *p, const void *g, void *v, const lm_update *u);
  double (*squares)(int64_t n, const void *g); /* sum of squares in double, LM_LANES lanes */
  bool (*finite)(int64_t n, const void *g);
} lm_kernel_optim;

#endif
