/* naka_rushton.c: the contrast response of visual neurons.
 *
 * With q = (x / sigma)^n the response is q / (1 + q). Above sigma it is computed as 1 / (1 + (sigma / x)^n), so that
 * no power overflows. Its derivative is n y (1 - y) / x. */
#include "kernels/elementwise.h"
#include "ops.h"
#include "ops/core/chain.h"
#include "ops/core/unary.h"

static lm_status backward(lm_call *c, lm_tensor *const *grad_out, lm_tensor **grad_in, lm_err *e) {
  lm_chain h = lm_chain_start(e);
  lm_tensor *x = c->in[0], *y = c->out[0], *zero = lm_number_like(&h, x, 0);
  lm_tensor *above = lm_do2(&h, &lm_op_gt, x, zero);
  lm_tensor *rest = lm_do_number(&h, &lm_op_add, lm_do1(&h, &lm_op_neg, y), 1);
  lm_tensor *slope = lm_do_number(&h, &lm_op_mul, lm_do2(&h, &lm_op_mul, y, rest), c->p[1].r);
  slope = lm_do2(&h, &lm_op_div, slope, lm_do3(&h, &lm_op_where, above, x, lm_number_like(&h, x, 1)));
  lm_tensor *g = lm_do2(&h, &lm_op_mul, grad_out[0], slope);
  lm_give(&h, lm_do3(&h, &lm_op_where, above, g, zero), NULL, &grad_in[0]);
  return lm_chain_end(&h);
}

static const lm_param params[] = {{.name = "sigma",
                                   .kind = LM_P_REAL,
                                   .doc = "where the response is half of its largest",
                                   .initial = "1",
                                   .low = 1e-30,
                                   .high = 1e30},
                                  {.name = "n",
                                   .kind = LM_P_REAL,
                                   .doc = "the exponent: how steep it is",
                                   .initial = "2",
                                   .low = 1e-6,
                                   .high = 1e6},
                                  {0}};

static const lm_case cases[] = {
    {"2x3:apart", ""}, {"7x1x5:apart", "sigma=0.4 n=2.5"}, {"3x4:positive", "sigma=0.7 n=1"}, {0}};

const lm_op lm_op_naka_rushton = {
    .name = "naka_rushton",
    .doc =
        "x^n / (sigma^n + x^n) where x is above 0, else 0: the contrast response of cortical neurons, from 0 to 1\n"
        "and 1/2 at sigma (Naka & Rushton 1966; Albrecht & Hamilton 1982). float32 or float64; the result has the\n"
        "same dtype and shape. The gradient is 0 below and at 0.",
    .example = "contrast = tensor { 0, 0.3, 0.9 }\n"
               "contrast:naka_rushton { sigma = 0.3, n = 2 }   --> [0. 0.5 0.9]",
    .inputs = "x",
    .group = "elementwise",
    .params = params,
    .infer = lm_unary_infer,
    .forward = lm_unary_forward,
    .backward = backward,
    .save_in = 1,
    .save_out = 1,
    .twice = true,
    .kernel = LM_U_NAKA_RUSHTON,
    .cases = cases,
};
