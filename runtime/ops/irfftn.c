/* irfftn.c: the real signal that has a given Fourier transform, over several axes. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_AXES("nil"), {0}};

static const lm_case cases[] = {
    {"3x4x2", ""}, {"2x4x3x2", "s=3,3 dim=3,1 norm=ortho"}, {"2x3x2x2", "norm=forward"}, {0}};

const lm_op lm_op_irfftn = {
    .name = "irfftn",
    .doc = "The real signal that has a given Fourier transform. Over several axes, all by default.\n"
           "x[t] = 1/n sum over k of X[k] exp(2 pi i k t / n), from the first n / 2 + 1 elements of X.\n"
           "x is complex; the result real: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH
           " s ends in the length of the result, 2 "
           "(m - 1)\n"
           "by default for m elements. The last axis named is the halved one.\n" LM_FFT_EXACT,
    .example = "x = randn { 2, 4, 6 }\n"
               "x:rfftn():irfftn():allclose(x)   --> true",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_INVERSE | LM_FFT_REAL | LM_FFT_MANY,
    .twice = true,
    .cases = cases,
};
