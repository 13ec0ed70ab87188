/* irfft.c: the real signal that has a given Fourier transform. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_ONE_AXIS, {0}};

static const lm_case cases[] = {
    {"4x2", ""}, {"2x3x2", "n=5 norm=ortho"}, {"4x3x2", "dim=1 n=9 norm=forward"}, {"5x2", "n=4"}, {"2x2", ""}, {0}};

const lm_op lm_op_irfft = {
    .name = "irfft",
    .doc = "The real signal that has a given Fourier transform. Along one axis, the last by default.\n"
           "x[t] = 1/n sum over k of X[k] exp(2 pi i k t / n), from the first n / 2 + 1 elements of X.\n"
           "x is complex; the result real: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH
           " For irfft n is that of the result, 2 "
           "(m - 1)\n"
           "by default for m elements.\n" LM_FFT_EXACT,
    .example = "tensor({ 1, 2, 3, 4 }):rfft():irfft()   --> [1. 2. 3. 4.]",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_INVERSE | LM_FFT_REAL,
    .twice = true,
    .cases = cases,
};
