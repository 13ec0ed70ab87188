/* rfft2.c: the Fourier transform of a real signal, over two axes. */
#include "ops.h"
#include "ops/core/fourier.h"

static const lm_param params[] = {LM_FFT_AXES("-2,-1"), {0}};

static const lm_case cases[] = {{"3x4", ""}, {"2x4x3", "s=3,5 dim=3,1 norm=ortho"}, {0}};

const lm_op lm_op_rfft2 = {
    .name = "rfft2",
    .doc = "The Fourier transform of a real signal. Over two axes, the last two by default.\n"
           "The first n / 2 + 1 elements of X[k] = sum over t of x[t] exp(-2 pi i k t / n);\n"
           "the others are their conjugates.\n"
           "x is real; the result complex: " LM_FFT_COMPLEX_TENSOR LM_FFT_ANY_LENGTH
           " The last axis named is the halved one.\n" LM_FFT_EXACT,
    .example = "grating = (arange(0, 7) * (2 * math.pi * 2 / 8)):cos():expand { 8, 8 }\n"
               "grating:rfft2():complex_abs()[1]:round()   --> [0. 0. 32. 0. 0.]",
    .inputs = "x",
    .group = "fourier",
    .params = params,
    .infer = lm_fft_infer,
    .forward = lm_fft_forward,
    .backward = lm_fft_backward,
    .kernel = LM_FFT_REAL | LM_FFT_TWO | LM_FFT_MANY,
    .twice = true,
    .cases = cases,
};
