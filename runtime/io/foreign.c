/* foreign.c: lm_alloc in the forms that jansson and zlib ask for. */
#include "io/foreign.h"

#include "base/memory.h"

#include <jansson.h>
#include <pthread.h>

static _Thread_local bool starved;

static void *take(size_t bytes) {
  void *block = lm_alloc(bytes, "jansson", NULL);
  starved = starved || !block;
  return block;
}

static void set_json(void) { json_set_alloc_funcs(take, lm_free); }

void lm_foreign_json(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_json);
  starved = false;
}

bool lm_foreign_json_starved(void) { return starved; }

void *lm_foreign_zalloc(void *context, unsigned items, unsigned size) {
  (void)context;
  return lm_alloc_array(items, size, "zlib", NULL);
}

void lm_foreign_zfree(void *context, void *block) {
  (void)context;
  lm_free(block);
}
