/* ifft.c: the inverse Fourier transform. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_ONE_AXIS, {0}};

static const lm_case cases[] = {
    {"6x2", ""}, {"2x5x2", "norm=ortho"}, {"4x3x2", "dim=1 n=6 norm=forward"}, {"7x2", "n=4"}, {0}};

const lm_op lm_op_ifft = {
    .name = "ifft",
    .doc = "The inverse Fourier transform. Along one axis, the last by default.\n"
           "x[t] = 1/n sum over k of X[k] exp(2 pi i k t / n).\n"
           "x and the result are complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH "\n" LM_FFT_EXACT,
    .example = "x = ops.complex(tensor { 1, 2, 3 }, zeros { 3 })\n"
               "x:fft():ifft():real()   --> [1. 2. 3.]",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_INVERSE,
    .twice = true,
    .cases = cases,
};
