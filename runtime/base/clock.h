/* clock.h: how long things take. */
#ifndef LM_BASE_CLOCK_H
#define LM_BASE_CLOCK_H

/* Seconds since some moment, of a clock that nobody sets. */
double lm_clock(void);

#endif
