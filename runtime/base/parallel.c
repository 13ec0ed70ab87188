/* parallel.c: a pool of threads that claim ranges of items.
 *
 * The items are cut into ranges, and the ranges are dealt to the threads, neighbours to the same one: each claims its
 * own one after the other, and then those that others have not come to, so a thread that the system holds up delays
 * only one range. Where nobody is held up, the same part of the same memory meets the same thread from one region to
 * the next, and is found in its core's cache: fetched from another core's it would cost as much as from memory. A
 * range has at least `grain` items, and at most 64 times that, so that Ctrl-C is seen after a short while whatever
 * the size of the work.
 *
 * The caller works too, and at the end waits only for threads that have entered the region: one that has not woken in
 * time is left out. That is why this is a pool of our own and not OpenMP, whose regions end when every thread of the
 * team has come by: with another program on the same cores, a LeNet step took ten times as long that way (GCC 12's
 * libgomp), and on idle cores a region of 16 us on two threads takes the same 10 us with either.
 *
 * One word tells the state of the region: bits 32 and up its number, bit 31 whether it is closed, the bits below how
 * many workers are inside. A worker enters by raising the count while the region is open, and only then looks at the
 * region itself; the caller closes it, waits for the count to fall to 0, and only then returns. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/parallel.h"

#include "base/cpu.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#ifdef __x86_64__
#include <immintrin.h>
#define RELAX() _mm_pause()
#else
#define RELAX() ((void)0)
#endif

enum { RANGES_PER_THREAD = 4, GRAINS_PER_RANGE = 64, MAX_THREADS = 1024 };
enum { SPINS = 20000 }; /* some 200 us to 1 ms of waiting awake; a worker sleeps after that */

typedef struct region {
  lm_task task;
  void *context;
  int64_t n, ranges; /* range i is [i n / ranges, (i+1) n / ranges) */
  int threads;       /* workers with a number below this take part */
  bool whole;        /* never interrupted */
  bool free;         /* dealt to nobody: each thread claims the next one of all */
} region;

static atomic_int thread_count;   /* 0: not yet asked */
static atomic_int interrupted;    /* written by the signal handler, read by every thread; lock-free, so both may */
static atomic_int held;           /* how many ask for interrupts to wait */
static bool (*waits)(void);       /* or NULL; asked while a press is waiting whether it must wait longer */
static _Thread_local bool inside; /* this thread is running a task */
static _Thread_local bool alone;  /* it is none of ours, nor the one that opens regions */

#define CLOSED ((uint64_t)1 << 31)
#define INSIDE (CLOSED - 1)
#define NUMBER ((uint64_t)1 << 32)

static _Atomic uint64_t state = CLOSED;

/* The region that is open, or was, and of the ranges that each worker was dealt the first that nobody has claimed.
 * Written while nobody is inside. Of few threads, all of it is one line of the cache. */
static struct {
  _Alignas(64) region region;
  atomic_llong next[MAX_THREADS];
} shared;

static int cores;   /* how many this process may use */
static int started; /* workers 1..started run */
static atomic_int sleepers;
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sleep_end = PTHREAD_COND_INITIALIZER;

/* The cores this process may run on, or fewer where its control group has a smaller share of time. */
static int usable_cores(void) {
  cpu_set_t set;
  int count = 1;
  if (!sched_getaffinity(0, sizeof set, &set)) count = CPU_COUNT(&set);
  long long quota, period;
  FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
  if (f && fscanf(f, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0) {
    long long share = (quota + period - 1) / period;
    if (share < count) count = (int)share;
  }
  if (f) fclose(f);
  return count < 1 ? 1 : count;
}

int lm_threads(void) {
  int count = atomic_load_explicit(&thread_count, memory_order_relaxed);
  if (count == 0) {
    cores = count = usable_cores();
    atomic_store(&thread_count, count);
  }
  return count;
}

void lm_threads_set(int count) {
  lm_threads(); /* counts the cores */
  if (count < 1) count = 1;
  if (count > MAX_THREADS) count = MAX_THREADS;
  atomic_store(&thread_count, count);
}

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only touch atomics without locks");
void lm_interrupt(void) { atomic_store_explicit(&interrupted, 1, memory_order_relaxed); }
bool lm_interrupt_pending(void) { return atomic_load_explicit(&interrupted, memory_order_relaxed) != 0; }
bool lm_interrupted(void) {
  if (!lm_interrupt_pending() || atomic_load_explicit(&held, memory_order_relaxed) != 0) return false;
  return alone || !waits || !waits();
}
void lm_interrupt_hold_while(bool (*ask)(void)) { waits = ask; }
void lm_interrupt_hold(void) { atomic_fetch_add(&held, 1); }
void lm_interrupt_let(void) { atomic_fetch_sub(&held, 1); }
void lm_interrupt_clear(void) { atomic_store_explicit(&interrupted, 0, memory_order_relaxed); }

static int64_t range_start(const region *r, int64_t i) {
  int64_t base = r->n / r->ranges, extra = r->n % r->ranges;
  return i * base + (i < extra ? i : extra);
}

/* The first of the ranges that a worker is dealt; all are the first one's where nothing is dealt. */
static int64_t deal_start(const region *r, int worker) {
  return !r->free ? r->ranges * worker / r->threads : worker == 0 ? 0 : r->ranges;
}

/* One thread's part: claims ranges, its own and then those of the threads after it, until none is left or Ctrl-C was
 * pressed. */
static void work(const region *r, int worker) {
  for (int i = 0; i < r->threads; i++) {
    const int owner = (worker + i) % r->threads;
    const int64_t end = deal_start(r, owner + 1);
    while (atomic_load_explicit(&shared.next[owner], memory_order_relaxed) < end) {
      if (!r->whole && lm_interrupted()) return;
      const int64_t range = atomic_fetch_add_explicit(&shared.next[owner], 1, memory_order_relaxed);
      if (range < end) r->task(r->context, worker, range_start(r, range), range_start(r, range + 1));
    }
  }
}

/* All of it by the caller alone: inside a task of another region, too. */
static void work_alone(const region *r) {
  for (int64_t i = 0; i < r->ranges && (r->whole || !lm_interrupted()); i++)
    r->task(r->context, 0, range_start(r, i), range_start(r, i + 1));
}

/* ---- workers --------------------------------------------------------------------------------------------------- */

/* Waits for a region with another number than the last one seen: awake for a while, then asleep. */
static uint64_t wait_for_region(uint64_t seen) {
  for (int i = 0; i < SPINS && lm_threads() <= cores; i++) {
    uint64_t now = atomic_load_explicit(&state, memory_order_acquire);
    if (now / NUMBER != seen) return now;
    RELAX();
  }
  pthread_mutex_lock(&sleep_lock);
  atomic_fetch_add(&sleepers, 1);
  while (atomic_load(&state) / NUMBER == seen) pthread_cond_wait(&sleep_end, &sleep_lock);
  atomic_fetch_sub(&sleepers, 1);
  pthread_mutex_unlock(&sleep_lock);
  return atomic_load(&state);
}

static void *worker_main(void *argument) {
  int number = (int)(intptr_t)argument;
  uint64_t seen = 0;
  inside = true;
  for (;;) {
    uint64_t now = wait_for_region(seen);
    while (!(now & CLOSED) && !atomic_compare_exchange_weak(&state, &now, now + 1)) {
    }
    seen = now / NUMBER;
    if (now & CLOSED) continue; /* came too late */
    lm_cpu_float_state();       /* a task may have changed it */
    if (number < shared.region.threads) work(&shared.region, number);
    atomic_fetch_sub(&state, 1);
  }
  return NULL;
}

/* Starts workers up to `threads` - 1. A worker that cannot be started is done without. Signals stay with the caller.
 */
static void start_workers(int threads) {
  sigset_t all, old;
  pthread_attr_t attributes;
  if (started >= threads - 1 || pthread_attr_init(&attributes)) return;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  while (started < threads - 1) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, worker_main, (void *)(intptr_t)(started + 1))) break;
    started++;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attributes);
}

/* Opens the region to the workers, takes part, closes it, and waits for those inside. */
static void share(const region *r) {
  static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER; /* two callers outside any task take turns */
  pthread_mutex_lock(&one_at_a_time);
  start_workers(r->threads);
  shared.region = *r;
  for (int i = 0; i < r->threads; i++) atomic_store_explicit(&shared.next[i], deal_start(r, i), memory_order_relaxed);
  atomic_store(&state, (atomic_load(&state) / NUMBER + 1) * NUMBER);
  if (atomic_load(&sleepers) > 0) {
    pthread_mutex_lock(&sleep_lock);
    pthread_cond_broadcast(&sleep_end);
    pthread_mutex_unlock(&sleep_lock);
  }
  work(r, 0);
  atomic_fetch_or(&state, CLOSED);
  for (int i = 0; atomic_load_explicit(&state, memory_order_acquire) & INSIDE; i++) {
    if (i < SPINS && lm_threads() <= cores)
      RELAX();
    else
      sched_yield();
  }
  pthread_mutex_unlock(&one_at_a_time);
}

static void run(region *r, int64_t grain) {
  r->threads = inside ? 1 : lm_threads();
  if (grain < 1) grain = 1;
  int64_t most = r->n / grain; /* so that each range keeps its grain */
  int64_t wanted = (int64_t)r->threads * RANGES_PER_THREAD, finer = most / GRAINS_PER_RANGE;
  if (wanted < finer) wanted = finer;
  r->ranges = most < 1 ? 1 : most < wanted ? most : wanted;
  bool outer = inside;
  inside = true;
  if (!outer) lm_cpu_float_state();
  if (r->threads == 1 || r->ranges == 1)
    work_alone(r);
  else
    share(r);
  inside = outer;
}

void lm_parallel_alone(void) {
  inside = alone = true;
  lm_cpu_float_state();
}

static lm_status run_or_interrupted(region r, int64_t grain, lm_err *e) {
  if (r.n > 0) run(&r, grain);
  if (lm_interrupted()) return lm_fail(e, LM_ERR_INTERRUPT, "interrupted");
  return LM_OK;
}

lm_status lm_parallel(int64_t n, int64_t grain, lm_task task, void *context, lm_err *e) {
  return run_or_interrupted((region){.task = task, .context = context, .n = n}, grain, e);
}

lm_status lm_parallel_free(int64_t n, int64_t grain, lm_task task, void *context, lm_err *e) {
  return run_or_interrupted((region){.task = task, .context = context, .n = n, .free = true}, grain, e);
}

void lm_parallel_whole(int64_t n, int64_t grain, lm_task task, void *context) {
  if (n <= 0) return;
  region r = {.task = task, .context = context, .n = n, .whole = true, .free = true};
  run(&r, grain);
}
