/* memory.c: the allocator. A block is a 64-byte header and the payload, both 64-byte aligned.
 *
 * Payloads below a megabyte are rounded up to size classes, 8 to each power of two, so at most 1/8 of a block is
 * lost. A freed block goes onto the list of its class and the next request of that class takes it back. Larger ones
 * are cut to measure from the arena (arena.h), since lists of few and large blocks would keep much that fits nobody.
 * What is kept is given back to the system before it could be the reason for a refusal: when live and kept bytes
 * together would pass the budget or the machine's memory. Under a sanitizer nothing is kept, so that a use after free
 * is seen. */
#include "base/memory.h"

#include "base/arena.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

enum { ALIGN = 64, STEPS = 8, CLASSES = 64 * STEPS, LARGE = 1 << 20, IN_ARENA = -1, RELEASERS = 4 };

typedef struct header {
  size_t bytes;        /* asked for */
  size_t capacity;     /* of the payload */
  int class_index;     /* IN_ARENA: none */
  uint32_t mark;       /* LIVE or KEPT */
  bool aside;          /* counted as such */
  struct header *next; /* on the list of its class */
} header;

_Static_assert(sizeof(header) <= ALIGN, "the header fits into one alignment unit");
static const uint32_t LIVE = 0x4c49u, KEPT = 0x4b45u;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static header *kept[CLASSES];
static lm_memory now;
static int64_t fail_at, machine_bytes;
static void (*releasers[RELEASERS])(void);
static bool fail_any; /* those of other allocators count too */

/* The memory that this process can have: the machine's, or its control group's where that is less. */
static int64_t read_machine_bytes(void) {
  struct sysinfo info;
  int64_t bytes = INT64_MAX;
  if (!sysinfo(&info)) bytes = (int64_t)((info.totalram + info.totalswap) * (uint64_t)info.mem_unit);
  FILE *f = fopen("/sys/fs/cgroup/memory.max", "r");
  int64_t limit;
  if (f && fscanf(f, "%" SCNd64, &limit) == 1 && limit > 0 && limit < bytes) bytes = limit;
  if (f) fclose(f);
  return bytes;
}

/* The class of a payload of n bytes, and its capacity: 64 * units * 2^shift, units in 1..16, and in 9..16 where
 * shift > 0. */
static int class_of(size_t n, size_t *capacity) {
  size_t units = (n + ALIGN - 1) / ALIGN;
  if (units == 0) units = 1;
  int shift = 0;
  if (units > 2 * STEPS) {
    shift = 63 - __builtin_clzll((unsigned long long)(units - 1)) - 3;
    units = ((units - 1) >> shift) + 1;
  }
  *capacity = (units << shift) * ALIGN;
  return shift * STEPS + (int)units - 1;
}

/* Gives every kept block back to the system. Called with the lock held. */
static void trim(void) {
  for (int i = 0; i < CLASSES; i++)
    while (kept[i]) {
      header *h = kept[i];
      kept[i] = h->next;
      free(h);
    }
  (void)lm_arena_trim();
  now.cached = 0;
}

static header *from_class(int class_index, size_t capacity) {
  header *h = kept[class_index];
  if (h) {
    kept[class_index] = h->next;
    now.cached -= (int64_t)h->capacity;
    return h;
  }
  void *block = NULL;
  now.system++;
  if (posix_memalign(&block, ALIGN, ALIGN + capacity) != 0) return NULL;
  h = block;
  h->capacity = capacity;
  h->class_index = class_index;
  return h;
}

static header *from_arena(size_t capacity) {
  size_t size = ALIGN + capacity, had = 0;
  header *h = lm_arena_take(&size, &had);
  now.cached -= (int64_t)had;
  now.system += had < size;
  if (!h) return NULL;
  h->capacity = size - ALIGN;
  h->class_index = IN_ARENA;
  return h;
}

/* Whether a request could be met from what is kept in its class; the arena's places are all alike. */
static bool is_kept(bool large, int class_index) { return !large && kept[class_index]; }

static header *block_for(size_t capacity, bool large, int class_index) {
  return large ? from_arena(capacity) : from_class(class_index, capacity);
}

/* A header with room for `bytes`, or NULL; *limit is set to the limit that was met. Called with the lock held. */
static header *take(size_t bytes, const char **why, int64_t *limit) {
  if (!machine_bytes) machine_bytes = read_machine_bytes();
  now.calls++;
  *why = "injected failure";
  *limit = now.budget;
  if (fail_at > 0 && --fail_at == 0) return NULL;
  *why = "memory budget";
  if (now.budget > 0 && bytes > (size_t)(now.budget > now.live ? now.budget - now.live : 0)) return NULL;
  *why = "memory of the machine";
  *limit = machine_bytes;
  if (bytes > (size_t)(machine_bytes > now.live ? machine_bytes - now.live : 0)) return NULL;
  size_t capacity;
  int class_index = class_of(bytes, &capacity);
  bool large = bytes >= LARGE;
  if (large) capacity = bytes;
#ifdef LM_SANITIZED
  capacity = bytes;
  large = false;
#endif
  int64_t ceiling = now.budget > 0 && now.budget < machine_bytes ? now.budget : machine_bytes;
  if (now.cached > 0 && !is_kept(large, class_index) && now.live + now.cached + (int64_t)capacity > ceiling) trim();
  header *h = block_for(capacity, large, class_index);
  if (!h && now.cached > 0) {
    trim();
    h = block_for(capacity, large, class_index);
  }
  if (!h) return NULL;
  h->bytes = bytes;
  h->mark = LIVE;
  h->aside = false;
  h->next = NULL;
  return h;
}

static void count_live(int64_t bytes) {
  now.live += bytes;
  if (now.live > now.peak) now.peak = now.live;
}

void *lm_alloc(size_t bytes, const char *what, lm_err *e) {
  const char *why;
  int64_t limit, live;
  pthread_mutex_lock(&lock);
  header *h = take(bytes, &why, &limit);
  live = now.live;
  if (h) {
    count_live((int64_t)bytes);
    now.asked += (int64_t)bytes;
    now.blocks++;
  }
  pthread_mutex_unlock(&lock);
  if (h) return (char *)h + ALIGN;
  if (limit > 0)
    lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: %zu bytes asked, %" PRId64 " of %" PRId64 " in use (%s)", what,
            bytes, live, limit, why);
  else
    lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: %zu bytes asked, %" PRId64 " in use (%s)", what, bytes, live, why);
  return NULL;
}

void *lm_alloc_zero(size_t bytes, const char *what, lm_err *e) {
  void *block = lm_alloc(bytes, what, e);
  if (block) memset(block, 0, bytes);
  return block;
}

void *lm_alloc_array(size_t count, size_t size, const char *what, lm_err *e) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    lm_fail(e, LM_ERR_MEMORY, "%s: out of memory: %zu elements of %zu bytes are more than can be addressed", what,
            count, size);
    return NULL;
  }
  return lm_alloc(bytes, what, e);
}

char *lm_strdup(const char *text, lm_err *e) {
  size_t n = strlen(text) + 1;
  char *copy = lm_alloc(n, "text", e);
  if (copy) memcpy(copy, text, n);
  return copy;
}

void *lm_realloc(void *block, size_t bytes, const char *what, lm_err *e) {
  if (!block) return lm_alloc(bytes, what, e);
  header *h = (header *)(void *)((char *)block - ALIGN);
  assert(h->mark == LIVE && !h->aside);
  bool fits = false;
  pthread_mutex_lock(&lock);
  int64_t more = (int64_t)bytes - (int64_t)h->bytes;
  if (bytes <= h->capacity && bytes >= h->capacity / 2 &&
      (more <= 0 || now.budget == 0 || more <= now.budget - now.live)) {
    fits = true;
    count_live(more);
    h->bytes = bytes;
  }
  pthread_mutex_unlock(&lock);
  if (fits) return block;
  void *moved = lm_alloc(bytes, what, e);
  if (!moved) return NULL;
  memcpy(moved, block, bytes < h->bytes ? bytes : h->bytes);
  lm_free(block);
  return moved;
}

void lm_free(void *block) {
  if (!block) return;
  header *h = (header *)(void *)((char *)block - ALIGN);
  assert(h->mark == LIVE);
  pthread_mutex_lock(&lock);
  if (h->aside) {
    now.aside -= (int64_t)h->bytes;
  } else {
    now.live -= (int64_t)h->bytes;
    now.blocks--;
  }
#ifdef LM_SANITIZED
  h->mark = KEPT;
  free(h);
#else
  h->mark = KEPT;
  now.cached += (int64_t)h->capacity;
  if (h->class_index == IN_ARENA) {
    now.cached += ALIGN;
    lm_arena_give(h, h->capacity + ALIGN);
  } else {
    h->next = kept[h->class_index];
    kept[h->class_index] = h;
  }
#endif
  pthread_mutex_unlock(&lock);
}

lm_memory lm_memory_now(void) {
  pthread_mutex_lock(&lock);
  if (!machine_bytes) machine_bytes = read_machine_bytes();
  lm_memory copy = now;
  copy.machine = machine_bytes;
  pthread_mutex_unlock(&lock);
  return copy;
}

void lm_memory_reset_peak(void) {
  pthread_mutex_lock(&lock);
  now.peak = now.live;
  pthread_mutex_unlock(&lock);
}

void lm_memory_set_budget(int64_t bytes) {
  pthread_mutex_lock(&lock);
  now.budget = bytes > 0 ? bytes : 0;
  pthread_mutex_unlock(&lock);
}

void lm_memory_set_aside(void *block) {
  header *h = (header *)(void *)((char *)block - ALIGN);
  pthread_mutex_lock(&lock);
  assert(h->mark == LIVE && !h->aside);
  h->aside = true;
  now.live -= (int64_t)h->bytes;
  now.aside += (int64_t)h->bytes;
  now.blocks--;
  pthread_mutex_unlock(&lock);
}

void lm_memory_at_trim(void (*release)(void)) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < RELEASERS; i++)
    if (!releasers[i] || releasers[i] == release) {
      releasers[i] = release;
      break;
    }
  pthread_mutex_unlock(&lock);
}

void lm_memory_trim(void) {
  void (*all[RELEASERS])(void);
  pthread_mutex_lock(&lock);
  memcpy(all, releasers, sizeof all);
  pthread_mutex_unlock(&lock);
  for (int i = 0; i < RELEASERS; i++)
    if (all[i]) all[i]();
  pthread_mutex_lock(&lock);
  trim();
  pthread_mutex_unlock(&lock);
}

static int64_t arm(int64_t n, bool any) {
  pthread_mutex_lock(&lock);
  int64_t left = fail_at;
  fail_at = n > 0 ? n : 0;
  fail_any = any && n > 0;
  pthread_mutex_unlock(&lock);
  return left;
}

int64_t lm_memory_fail_at(int64_t n) { return arm(n, false); }
int64_t lm_memory_fail_any_at(int64_t n) { return arm(n, true); }

bool lm_memory_refuses(void) {
  if (!__atomic_load_n(&fail_any, __ATOMIC_RELAXED)) return false;
  pthread_mutex_lock(&lock);
  bool refuse = fail_at > 0 && --fail_at == 0;
  pthread_mutex_unlock(&lock);
  return refuse;
}
