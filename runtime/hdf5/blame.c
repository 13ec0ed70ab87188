/* blame.c: whose crash it was.
 *
 * A crash below a call of libhdf5 is libhdf5's, and is expected of damaged files; one in this program's own functions
 * is a defect of this program, whatever the file. The innermost frame that lies in one of the two decides: frames of
 * the C library (a memcpy, an abort) belong to who called it. libhdf5's crashes end the program with an exit status,
 * one for each signal; all others end it by the signal itself, as if nothing had been caught. */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include "worker.h"

#include "io/hdf5.h"

#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

enum { FRAMES = 64, STACK = 64 << 10 };

/* The addresses at which a program or library is mapped. */
typedef struct range {
  uintptr_t begin, end;
} range;

static range ours, theirs;

static bool within(range r, const void *address) {
  return (uintptr_t)address >= r.begin && (uintptr_t)address < r.end;
}

static int on_module(struct dl_phdr_info *module, size_t size, void *context) {
  (void)size, (void)context;
  for (int i = 0; i < module->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &module->dlpi_phdr[i];
    const uintptr_t begin = module->dlpi_addr + part->p_vaddr;
    const range code = {begin, begin + part->p_memsz};
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    if (within(code, (const void *)(uintptr_t)worker_blame)) ours = code;
    if (within(code, (const void *)(uintptr_t)H5open)) theirs = code;
  }
  return 0;
}

void worker_crashed(int signal) {
  void *frame[FRAMES];
  const int n = backtrace(frame, FRAMES);
  int i = 0;
  while (i < n && !within(ours, frame[i])) i++; /* a sanitizer's backtrace */
  while (i < n && within(ours, frame[i])) i++;  /* this function and what called it to ask */
  for (; i < n && !within(ours, frame[i]); i++)
    if (within(theirs, frame[i])) _exit(LM_HDF5_CRASHED + signal);
}

static void on_crash(int signal) {
  worker_crashed(signal);
  raise(signal); /* the handler is gone by SA_RESETHAND; pending until it returns, or it happens again */
}

void worker_blame(void) {
  static char stack[STACK];
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  void *frame[1];
  backtrace(frame, 1); /* loads what it needs, for which there may be no memory later */
  dl_iterate_phdr(on_module, NULL);
  sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL); /* recursion without end is a crash, too */
  struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_ONSTACK};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}
