/* lstm.c: long short-term memory over a whole sequence (Hochreiter & Schmidhuber 1997). */
#include "ops/core/recurrent.h"

static const lm_param params[] = {LM_RECURRENT_REVERSE, {0}};

static const lm_case cases[] = {{"4x2x3; 20x3; 20x5; 20; 20; 2x5; 2x5", ""},
                                {"3x2x4; 8x4; 8x2; -; -; -; -", ""},
                                {"3x3x2; 8x2; 8x2; 8; -; 3x2; -", "reverse=true"},
                                {"1x2x3; 4x3; 4x1; -; 4; -; 2x1", ""},
                                {"50x1x1; 8x1; 8x2; 8; -; -; -", ""},
                                {0}};

const lm_op lm_op_lstm = {
    .name = "lstm",
    .doc = "Long short-term memory (Hochreiter & Schmidhuber 1997; with the forget gate of Gers et al. 2000; "
           "torch.nn.LSTM).\n"
           "With s = W x[t] + b + U h[t - 1] + c in four parts: i, f, o = sigmoid(s1, s2, s4), g = tanh(s3),\n"
           "cell[t] = f cell[t - 1] + i g, h[t] = o tanh(cell[t]). Returns y (time, batch, H), the last state and "
           "the last cell.\n"
           "x is (time, batch, features), weight W (4 H, features), recurrent U (4 H, H), gates in the order i, f, "
           "g, o; bias b\n"
           "and recurrent_bias c 4 H values; state and cell (batch, H).\n"
           "An initial state or a bias that is absent is zero. Time comes first: x:transpose(1, 2) turns a "
           "batch-first x.\n"
           "Backward goes back through all steps; a second derivative is taken step by step (at most 4096 steps). "
           "Floating only.",
    .example = "x = randn { 7, 2, 3 }   -- time, batch, features\n"
               "y, state, cell = ops.lstm(x, randn { 16, 3 }, randn { 16, 4 })\n"
               "y.shape, cell.shape   --> { 7, 2, 4 } { 2, 4 }",
    .inputs = LM_RECURRENT_INPUTS " cell?",
    .group = "recurrent",
    .params = params,
    .infer = lm_recurrent_infer,
    .forward = lm_recurrent_forward,
    .backward = lm_recurrent_backward,
    .unfold = lm_recurrent_unfold,
    .save_in = LM_RECURRENT_SAVE_ALL,
    .save_out = 1,
    .n_out = 3,
    .twice = true,
    .kernel = LM_LSTM,
    .cases = cases,
};
