/* arena.c: a list of free places in the order of their addresses; first fit. A stretch is used from below: what lies
 * above its top has never been touched and costs nothing. */
#define _GNU_SOURCE /* MAP_ANONYMOUS, madvise */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 64, HUGE_PAGE = 2 << 20, SLIVER = 64 << 10 };
static const size_t STRETCH = (size_t)1 << 30; /* of address space, not of memory */

/* At the start of a free place. */
typedef struct place {
  size_t size, kept;
  struct place *next; /* the next higher one */
} place;

/* At the start of a stretch. */
typedef struct stretch {
  size_t size, top; /* in bytes from the start of the stretch */
  struct stretch *next;
} stretch;

_Static_assert(sizeof(stretch) <= ALIGN && sizeof(place) <= ALIGN, "heads fit into one alignment unit");

static place *places;
static stretch *stretches;

static char *end_of(place *p) { return (char *)p + p->size; }

/* ---- from the system ------------------------------------------------------------------------------------------- */

static stretch *map(size_t size) {
  size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  const size_t all = size + HUGE_PAGE;
  char *from = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (from == MAP_FAILED) return NULL;
  char *start = (char *)(((uintptr_t)from + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
  if (start > from) (void)munmap(from, (size_t)(start - from));
  if (from + all > start + size) (void)munmap(start + size, (size_t)(from + all - start - size));
#ifdef MADV_HUGEPAGE
  (void)madvise(start, size, MADV_HUGEPAGE); /* a wish: 200 MB would otherwise take 50,000 page faults */
#endif
  stretch *s = (stretch *)(void *)start;
  *s = (stretch){.size = size, .top = ALIGN, .next = stretches};
  stretches = s;
  return s;
}

/* The highest free place of s, where it ends at the top; *link is what points to it. */
static place *below_top(const stretch *s, place ***link) {
  const char *start = (const char *)s;
  for (place **at = &places; *at; at = &(*at)->next)
    if ((char *)*at > start && end_of(*at) == start + s->top) {
      *link = at;
      return *at;
    }
  return NULL;
}

/* A piece at the top of s, which begins in the free place below the top, if there is one. */
static void *cut_from_top(stretch *s, size_t size, size_t *kept) {
  place **link = NULL, *last = below_top(s, &link);
  const size_t has = last ? last->size : 0;
  if (s->size - s->top < size - has) return NULL;
  *kept = last ? last->kept : 0;
  if (last) *link = last->next;
  char *piece = (char *)s + s->top - has;
  s->top += size - has;
  return piece;
}

/* ---- pieces ------------------------------------------------------------------------------------------------------
 */

/* The part of a free place that is not needed becomes one of its own; returns what is left to be given out. */
static size_t split(place *p, size_t size, place **link) {
  const size_t left = p->size - size;
  if (left < SLIVER) {
    *link = p->next;
    return p->size;
  }
  place *rest = (place *)(void *)((char *)p + size);
  *rest = (place){.size = left, .kept = p->kept > size ? p->kept - size : 0, .next = p->next};
  *link = rest;
  return size;
}

void *lm_arena_take(size_t *size, size_t *kept) {
  const size_t need = (*size + ALIGN - 1) / ALIGN * ALIGN;
  for (place **link = &places; *link; link = &(*link)->next) {
    place *p = *link;
    if (p->size < need) continue;
    const size_t had = p->kept;
    *size = split(p, need, link);
    *kept = had < *size ? had : *size;
    return p;
  }
  void *piece = NULL;
  *size = need;
  for (stretch *s = stretches; s && !piece; s = s->next) piece = cut_from_top(s, need, kept);
  if (piece) return piece;
  stretch *s = need + ALIGN < STRETCH ? map(STRETCH) : NULL;
  if (!s) s = map(need + ALIGN);
  return s ? cut_from_top(s, need, kept) : NULL;
}

void lm_arena_give(void *piece, size_t size) {
  place *p = piece, *before = NULL;
  place **link = &places;
  while (*link && *link < p) {
    before = *link;
    link = &before->next;
  }
  *p = (place){.size = size, .kept = size, .next = *link};
  *link = p;
  if (p->next && end_of(p) == (char *)p->next) {
    p->size += p->next->size;
    p->kept += p->next->kept;
    p->next = p->next->next;
  }
  if (before && end_of(before) == (char *)p) {
    before->size += p->size;
    before->kept += p->kept;
    before->next = p->next;
  }
}

/* ---- back to the system ------------------------------------------------------------------------------------------
 */

/* Whether nothing of s is in use: one free place from its start to its top; that place is then taken off the list. */
static bool is_empty(const stretch *s) {
  place **link = NULL, *last = below_top(s, &link);
  if (!last || (char *)last != (const char *)s + ALIGN) return false;
  *link = last->next;
  return true;
}

size_t lm_arena_trim(void) {
  size_t sum = 0;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (place *p = places; p; p = p->next) {
    sum += p->kept;
    p->kept = 0;
    const uintptr_t begin = ((uintptr_t)(p + 1) + page - 1) / page * page, end = (uintptr_t)end_of(p) / page * page;
    if (end > begin) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
  }
  for (stretch **link = &stretches; *link;) {
    stretch *s = *link;
    if (!is_empty(s)) {
      link = &s->next;
      continue;
    }
    *link = s->next;
    (void)munmap(s, s->size);
  }
  return sum;
}
