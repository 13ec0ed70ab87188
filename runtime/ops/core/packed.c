/* packed.c: the list of packed copies: a few slots, searched in a row. A slot without a block remembers that its key
 * was asked for once. */
#include "ops/core/packed.h"

#include "base/memory.h"

#include <pthread.h>
#include <string.h>

typedef struct slot {
  lm_packed_key key; /* storage NULL: the slot is free, or its block waits for the end of its use */
  uint64_t id, version;
  void *block;
  int64_t bytes, users;
  uint64_t used; /* the time of the last use, in calls */
} slot;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static slot slots[LM_PACKED_SLOTS];
static uint64_t clock_ticks;
static int64_t total;

/* Called with the lock held. A block in use stays, without a key, until its last user is done. */
static void drop(slot *s) {
  s->key = (lm_packed_key){0};
  if (s->users > 0) return;
  lm_free(s->block);
  total -= s->bytes;
  *s = (slot){0};
}

static void forget(lm_storage *storage) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < LM_PACKED_SLOTS; i++)
    if (slots[i].key.storage == storage) drop(&slots[i]);
  pthread_mutex_unlock(&lock);
}

static bool same(const slot *s, const lm_packed_key *key) {
  return s->id == key->storage->id && memcmp(&s->key, key, sizeof *key) == 0;
}

/* The least recently used slot that nobody uses; NULL: all are in use. */
static slot *oldest(void) {
  slot *found = NULL;
  for (int i = 0; i < LM_PACKED_SLOTS; i++)
    if (slots[i].users == 0 && (!found || slots[i].used < found->used)) found = &slots[i];
  return found;
}

const void *lm_packed_find(const lm_packed_key *key, bool *keep) {
  const void *block = NULL;
  slot *s = NULL;
  *keep = false;
  if (!key->storage) return NULL;
  pthread_mutex_lock(&lock);
  lm_storage_on_release = forget;
  key->storage->packed = true;
  for (int i = 0; i < LM_PACKED_SLOTS && !s; i++)
    if (slots[i].key.storage == key->storage && same(&slots[i], key)) s = &slots[i];
  if (s && s->version != key->storage->version) {
    drop(s);
    s = NULL;
  }
  if (s && s->block) {
    s->users++;
    block = s->block;
  } else if (s) {
    *keep = true;
  } else {
    s = oldest();
    if (s) {
      drop(s);
      s->key = *key;
      s->id = key->storage->id;
      s->version = key->storage->version;
    }
  }
  if (s) s->used = ++clock_ticks;
  pthread_mutex_unlock(&lock);
  return block;
}

bool lm_packed_keep(const lm_packed_key *key, void *block, int64_t bytes) {
  pthread_mutex_lock(&lock);
  slot *s = NULL;
  for (int i = 0; i < LM_PACKED_SLOTS && !s; i++)
    if (slots[i].key.storage == key->storage && !slots[i].block && same(&slots[i], key)) s = &slots[i];
  while (s && total + bytes > LM_PACKED_BYTES) {
    slot *victim = NULL;
    for (int i = 0; i < LM_PACKED_SLOTS; i++)
      if (slots[i].block && slots[i].users == 0 && (!victim || slots[i].used < victim->used)) victim = &slots[i];
    if (!victim) break;
    drop(victim);
  }
  if (!s || total + bytes > LM_PACKED_BYTES) s = NULL;
  if (s) {
    s->block = block;
    s->bytes = bytes;
    s->users = 1;
    total += bytes;
  }
  pthread_mutex_unlock(&lock);
  return s != NULL;
}

void lm_packed_done(const void *block) {
  bool found = false;
  if (!block) return;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < LM_PACKED_SLOTS && !found; i++) {
    slot *s = &slots[i];
    found = s->block == block;
    if (found && --s->users == 0 && !s->key.storage) drop(s);
  }
  pthread_mutex_unlock(&lock);
}

int64_t lm_packed_bytes(void) {
  pthread_mutex_lock(&lock);
  int64_t bytes = total;
  pthread_mutex_unlock(&lock);
  return bytes;
}

void lm_packed_clear(void) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < LM_PACKED_SLOTS; i++) drop(&slots[i]);
  pthread_mutex_unlock(&lock);
}
