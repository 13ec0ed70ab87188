/* hdf5_child.c: lamina-hdf5 in a forked process: how libFuzzer learns what code it ran, and whose an error is.
 *
 * libFuzzer counts in its own process; a child copies its counters to shared memory before each answer and at its
 * end. What a sanitizer reports is judged as a crash is (runtime/hdf5/blame.c): libhdf5 is not ours to mend, so its
 * errors end the child with the status of a crash inside libhdf5, and all others by a signal, which the session
 * calls a defect of lamina. This library holds the worker and the runtime below it, libhdf5 lies in another and the
 * sanitizers in the program, so the addresses tell them apart. */
#include "hdf5_child.h"

#include "hdf5/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What CMakeLists.txt makes of the names: main of runtime/hdf5/main.c, and calls that pass through here. */
int lamina_hdf5_main(int argc, char **argv);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
lm_status __real_lm_channel_end(lm_channel *c, lm_err *e);
lm_status __wrap_lm_channel_end(lm_channel *c, lm_err *e);
lm_status __real_lm_channel_fail(lm_channel *c, const lm_err *failure, lm_err *e);
lm_status __wrap_lm_channel_fail(lm_channel *c, const lm_err *failure, lm_err *e);
void __sanitizer_set_death_callback(void (*callback)(void));

/* The counters of this library's code, which the linker gathers. */
extern uint8_t __start___sancov_cntrs[] __attribute__((visibility("hidden")));
extern uint8_t __stop___sancov_cntrs[] __attribute__((visibility("hidden")));

static uint8_t *shared;

static size_t counters(void) { return (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs); }

static void tell(void) { memcpy(shared, __start___sancov_cntrs, counters()); }

void __wrap__exit(int status) {
  tell();
  __real__exit(status);
}

lm_status __wrap_lm_channel_end(lm_channel *c, lm_err *e) {
  tell();
  return __real_lm_channel_end(c, e);
}

lm_status __wrap_lm_channel_fail(lm_channel *c, const lm_err *failure, lm_err *e) {
  tell();
  return __real_lm_channel_fail(c, failure, e);
}

/* After a sanitizer's report. */
static void on_report(void) {
  fputs("lamina-hdf5: a sanitizer's report; an error below libhdf5 is no finding\n", stderr);
  worker_crashed(SIGABRT);
  signal(SIGABRT, SIG_DFL);
  raise(SIGABRT);
}

void hdf5_child(char *const argv[]) {
  char *arguments[4] = {argv[0], argv[1], argv[2], NULL};
  worker_blame();
  __sanitizer_set_death_callback(on_report);
  _exit(lamina_hdf5_main(3, arguments));
}

void hdf5_child_prepare(void) {
  shared = mmap(NULL, counters(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared != MAP_FAILED) return;
  perror("hdf5_child_prepare");
  exit(1);
}

void hdf5_child_ran(void) {
  for (size_t i = 0; i < counters(); i++)
    if (shared[i] > __start___sancov_cntrs[i]) __start___sancov_cntrs[i] = shared[i];
  memset(shared, 0, counters());
}
