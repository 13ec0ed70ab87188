/* gru.c: gated recurrent units over a whole sequence (Cho et al. 2014). */
#include "ops/core/recurrent.h"

static const lm_param params[] = {LM_RECURRENT_REVERSE, {0}};

static const lm_case cases[] = {{"4x2x3; 15x3; 15x5; 15; 15; 2x5", ""},
                                {"3x2x4; 6x4; 6x2; -; -; -", ""},
                                {"3x3x2; 6x2; 6x2; 6; -; 3x2", "reverse=true"},
                                {"1x2x3; 3x3; 3x1; -; 3; -", ""},
                                {"50x1x1; 6x1; 6x2; 6; 6; -", ""},
                                {0}};

const lm_op lm_op_gru = {
    .name = "gru",
    .doc = "Gated recurrent units (Cho et al. 2014), with the reset after the product, as torch.nn.GRU has them.\n"
           "r = sigmoid(W1 x[t] + b1 + U1 h[t - 1] + c1), z = sigmoid(W2 x[t] + b2 + U2 h[t - 1] + c2),\n"
           "n = tanh(W3 x[t] + b3 + r (U3 h[t - 1] + c3)), h[t] = (1 - z) n + z h[t - 1]. (Cho et al. have U3 (r h[t "
           "- 1]).)\n"
           "Returns y (time, batch, H) and the last state (batch, H). x is (time, batch, features), weight W (3 H, "
           "features),\n"
           "recurrent U (3 H, H), gates in the order r, z, n; bias b and recurrent_bias c 3 H values; state (batch, "
           "H).\n"
           "An initial state or a bias that is absent is zero. Time comes first: x:transpose(1, 2) turns a "
           "batch-first x.\n"
           "Backward goes back through all steps; a second derivative is taken step by step (at most 4096 steps). "
           "Floating only.",
    .example = "x = randn { 7, 2, 3 }   -- time, batch, features\n"
               "y, state = ops.gru(x, randn { 12, 3 }, randn { 12, 4 })\n"
               "y.shape, state.shape   --> { 7, 2, 4 } { 2, 4 }",
    .inputs = LM_RECURRENT_INPUTS,
    .group = "recurrent",
    .params = params,
    .infer = lm_recurrent_infer,
    .forward = lm_recurrent_forward,
    .backward = lm_recurrent_backward,
    .unfold = lm_recurrent_unfold,
    .save_in = LM_RECURRENT_SAVE_ALL,
    .save_out = 1,
    .n_out = 2,
    .twice = true,
    .kernel = LM_GRU,
    .cases = cases,
};
