/* fft.c: the Fourier transform of a complex signal. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_ONE_AXIS, {0}};

static const lm_case cases[] = {
    {"6x2", ""}, {"2x5x2", "norm=ortho"}, {"4x3x2", "dim=1 n=6 norm=forward"}, {"7x2", "n=4"}, {0}};

const lm_op lm_op_fft = {
    .name = "fft",
    .doc = "The Fourier transform of a complex signal. Along one axis, the last by default.\n"
           "X[k] = sum over t of x[t] exp(-2 pi i k t / n).\n"
           "x and the result are complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH "\n" LM_FFT_EXACT,
    .example = "signal = ops.complex(tensor { 1, 0, -1, 0 }, zeros { 4 })\n"
               "signal:fft():complex_abs()   --> [0. 2. 0. 2.]",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = 0,
    .twice = true,
    .cases = cases,
};
