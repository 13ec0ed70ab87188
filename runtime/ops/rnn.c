/* rnn.c: a plain recurrent network over a whole sequence (Elman 1990). */
#include "ops/core/recurrent.h"

static const lm_param params[] = {LM_RECURRENT_REVERSE,
                                  {.name = "nonlinearity",
                                   .kind = LM_P_CHOICE,
                                   .doc = "what is applied to the sums",
                                   .initial = "'tanh'",
                                   .choices = "tanh relu"},
                                  {0}};

static const lm_case cases[] = {{"4x2x3; 5x3; 5x5; 5; 5; 2x5", ""},
                                {"3x2x4; 3x4; 3x3; -; -; -", "nonlinearity=relu"},
                                {"4x3x2; 2x2; 2x2; 2; -; 3x2", "reverse=true"},
                                {"1x2x3; 4x3; 4x4; -; 4; -", ""},
                                {"50x1x1; 2x1; 2x2; 2; -; -", ""},
                                {0}};

const lm_op lm_op_rnn = {
    .name = "rnn",
    .doc =
        "A plain recurrent network: h[t] = tanh(W x[t] + b + U h[t - 1] + c), or relu (Elman 1990; torch.nn.RNN).\n"
        "Returns y (time, batch, H), the state of every step, and the last state (batch, H).\n"
        "x is (time, batch, features), weight W (H, features), recurrent U (H, H), bias b and recurrent_bias c H "
        "values,\n"
        "state h[0] (batch, H).\n"
        "An initial state or a bias that is absent is zero. Time comes first: x:transpose(1, 2) turns a batch-first "
        "x.\n"
        "Backward goes back through all steps; a second derivative is taken step by step (at most 4096 steps). "
        "Floating only.",
    .example = "x = randn { 7, 2, 3 }   -- time, batch, features\n"
               "y, state = ops.rnn(x, randn { 4, 3 }, randn { 4, 4 })\n"
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
    .kernel = LM_RNN,
    .cases = cases,
};
