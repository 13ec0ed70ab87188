/* rfftn.c: the Fourier transform of a real signal, over several axes. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_AXES("nil"), {0}};

static const lm_case cases[] = {{"3x4", ""}, {"2x4x3", "s=3,5 dim=3,1 norm=ortho"}, {"2x3x2", "norm=forward"}, {0}};

const lm_op lm_op_rfftn = {
    .name = "rfftn",
    .doc = "The Fourier transform of a real signal. Over several axes, all by default.\n"
           "The first n / 2 + 1 elements of X[k] = sum over t of x[t] exp(-2 pi i k t / n);\n"
           "the others are their conjugates.\n"
           "x is real; the result complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH
           " The last axis named is the halved one.\n" LM_FFT_EXACT,
    .example = "zeros({ 4, 6, 8 }):rfftn().shape   --> { 4, 6, 5, 2 }",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_REAL | LM_FFT_MANY,
    .twice = true,
    .cases = cases,
};
