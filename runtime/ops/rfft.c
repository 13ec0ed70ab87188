/* rfft.c: the Fourier transform of a real signal. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_ONE_AXIS, {0}};

static const lm_case cases[] = {
    {"6", ""}, {"2x5", "norm=ortho"}, {"4x3", "dim=1 n=6 norm=forward"}, {"7", "n=4"}, {"1", ""}, {0}};

const lm_op lm_op_rfft = {
    .name = "rfft",
    .doc = "The Fourier transform of a real signal. Along one axis, the last by default.\n"
           "The first n / 2 + 1 elements of X[k] = sum over t of x[t] exp(-2 pi i k t / n);\n"
           "the others are their conjugates.\n"
           "x is real; the result complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH "\n" LM_FFT_EXACT,
    .example = "signal = (arange(0, 7) * (2 * math.pi * 2 / 8)):cos()   -- two periods\n"
               "signal:rfft():complex_abs():round()   --> [0. 0. 4. 0. 0.]",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_REAL,
    .twice = true,
    .cases = cases,
};
