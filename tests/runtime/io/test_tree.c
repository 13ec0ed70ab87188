/* test_tree.c: trees as bytes and back, over memory and over a socket; damaged bytes; a program that answers HDF5
 * requests wrongly, crashes or says nothing. */
#include "files.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "io/channel.h"
#include "io/hdf5.h"
#include "io/tree_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A table of a tensor, a text, a shape, nothing, and a list with a shape that holds something unread. */
static lm_tree sample(void) {
  lm_err e;
  lm_tree t = {.kind = LM_TREE_TABLE};
  lm_tree *item = lm_tree_add(&t, "x", &e);
  const int64_t shape[] = {2, 3};
  item->kind = LM_TREE_TENSOR;
  assert_int_equal(lm_tensor_zeros(&item->tensor, LM_F32, 2, shape, &e), LM_OK);
  for (int i = 0; i < 6; i++) lm_tensor_set(item->tensor, i, i + 0.5);
  lm_tree_set_text(lm_tree_add(&t, "text", &e), LM_TREE_TEXT, "a\0b", 3, &e);
  item = lm_tree_add(&t, "shape", &e);
  *item = (lm_tree){.kind = LM_TREE_SHAPE, .name = item->name, .ndim = 2, .shape = {4, 5}};
  lm_tree_add(&t, "nothing", &e);
  item = lm_tree_add(&t, "list", &e);
  *item = (lm_tree){.kind = LM_TREE_LIST, .name = item->name, .ndim = 1, .shape = {1}};
  lm_tree_set_text(lm_tree_add(item, NULL, &e), LM_TREE_UNREAD, "an object", 9, &e);
  return t;
}

static void same_as_sample(const lm_tree *t) {
  assert_int_equal(t->kind, LM_TREE_TABLE);
  assert_int_equal(t->count, 5);
  const lm_tree *x = lm_tree_get(t, "x"), *list = lm_tree_get(t, "list");
  assert_int_equal(x->tensor->dtype, LM_F32);
  for (int i = 0; i < 6; i++) assert_true(lm_tensor_get(x->tensor, i) == i + 0.5);
  assert_memory_equal(lm_tree_get(t, "text")->text, "a\0b", 4);
  assert_int_equal(lm_tree_get(t, "shape")->shape[1], 5);
  assert_int_equal(lm_tree_get(t, "nothing")->kind, LM_TREE_NONE);
  assert_int_equal(list->shape[0], 1);
  assert_string_equal(list->items[0].text, "an object");
  assert_null(lm_tree_get(t, "none"));
}

static lm_bytes encoded(void) {
  lm_err e;
  lm_bytes bytes = {0};
  lm_tree t = sample();
  assert_int_equal(lm_tree_encode(&t, lm_put_bytes, &bytes, &e), LM_OK);
  lm_tree_free(&t);
  return bytes;
}

static void round_trip(void **state) {
  (void)state;
  lm_err e;
  lm_source s;
  lm_tree back;
  lm_bytes bytes = encoded();
  lm_source_bytes(&s, "m", bytes.data, (int64_t)bytes.n);
  if (lm_tree_decode(&back, &s, &e) != LM_OK) fail_msg("%s", e.message);
  assert_int_equal(s.left, 0);
  same_as_sample(&back);
  lm_tree_free(&back);
  lm_free(bytes.data);
}

static void damaged(void **state) {
  (void)state;
  lm_bytes bytes = encoded();
  lm_memory_reset_peak();
  int64_t before = lm_memory_now().live;
  for (size_t at = 0; at < bytes.n; at++)
    for (int value = 0; value < 257; value++) {
      char *copy = malloc(bytes.n);
      memcpy(copy, bytes.data, bytes.n);
      copy[at] = (char)value;
      lm_source s;
      lm_tree back;
      lm_err e = {0};
      lm_source_bytes(&s, "m", copy, value == 256 ? (int64_t)at : (int64_t)bytes.n);
      lm_status status = lm_tree_decode(&back, &s, &e);
      if (status != LM_OK) assert_int_equal(status, LM_ERR_FORMAT);
      lm_tree_free(&back);
      free(copy);
    }
  assert_true(lm_memory_now().peak - before < (1 << 20));
  lm_free(bytes.data);
}

static void over_a_socket(void **state) {
  (void)state;
  int pair[2];
  static lm_channel a, b;
  lm_err e = {0}, failure;
  lm_source s;
  lm_tree t = sample(), back;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  lm_channel_start(&a, pair[0]);
  lm_channel_start(&b, pair[1]);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(lm_tree_encode(&t, lm_channel_put, &a, &e), LM_OK);
    assert_int_equal(lm_channel_end(&a, &e), LM_OK);
    lm_channel_receive(&b, &s, "m", 1 << 20);
    assert_int_equal(lm_tree_decode(&back, &s, &e), LM_OK);
    assert_int_equal(lm_channel_finish(&b, &e), LM_OK);
    same_as_sample(&back);
    lm_tree_free(&back);
  }
  lm_tree_put_table(lm_channel_put, &a, &e); /* an error in the middle of a message */
  lm_fail(&failure, LM_ERR_NUMERIC, "what went wrong");
  assert_int_equal(lm_channel_fail(&a, &failure, &e), LM_OK);
  lm_channel_receive(&b, &s, "m", 1 << 20);
  assert_int_equal(lm_tree_decode(&back, &s, &e), LM_ERR_NUMERIC);
  assert_string_equal(e.message, "what went wrong");
  assert_true(b.ended);
  lm_interrupt(); /* Ctrl-C while nothing comes */
  lm_channel_receive(&b, &s, "m", 1 << 20);
  assert_int_equal(lm_tree_decode(&back, &s, &e), LM_ERR_INTERRUPT);
  lm_interrupt_clear();
  close(pair[0]);
  lm_channel_receive(&b, &s, "m", 1 << 20);
  assert_int_equal(lm_tree_decode(&back, &s, &e), LM_ERR_IO);
  assert_true(b.closed);
  close(pair[1]);
  lm_tree_free(&t);
}

/* A shell script in the place of lamina-hdf5, and what reading through it says. */
static void through(const char *script, const char *wanted) {
  char program[TEST_PATH], file[TEST_PATH];
  lm_err e = {0};
  lm_hdf5 *h;
  lm_tree t;
  FILE *f = fopen(temp_path("program", program), "wb");
  fprintf(f, "#!/bin/sh\n%s\n", script);
  fclose(f);
  chmod(program, 0755);
  snprintf(file, sizeof file, "%s", temp_file("data.h5", "x", 1));
  assert_int_equal(lm_hdf5_open(&h, program, file, &e), LM_OK);
  lm_status status = lm_hdf5_list(&t, h, &e);
  bool refused = status == LM_ERR_FORMAT || status == LM_ERR_MEMORY;
  if (!refused || !strstr(e.message, wanted) || !strstr(e.message, "data.h5"))
    fail_msg("status %s: %s", lm_status_name(status), e.message);
  status = lm_hdf5_list(&t, h, &e); /* the program is gone, whether that was noticed at once or only now */
  assert_true(status == LM_ERR_STATE ? strstr(e.message, "open the file again") != NULL : status == LM_ERR_FORMAT);
  lm_hdf5_close(h);
}

static void bad_programs(void **state) {
  (void)state;
  lm_err e;
  lm_hdf5 *h;
  through("kill -SEGV $$", "crashed on this file (Segmentation fault)");
  through("kill -XCPU $$", "computed without end");
  through("exit 7", "ended early (status 7)");
  through("exit 3", "out of memory: libhdf5");
  through("exec 1>&3; printf 'garbage garbage garbage garbage'", "data.h5");
  through("exec 1>&3; printf '\\001\\000\\000\\000\\177\\000\\000\\000\\000'; sleep 0.1",
          "the kind 127 in a message");
  assert_int_equal(lm_hdf5_open(&h, "/no/lamina-hdf5", temp_file("data.h5", "x", 1), &e), LM_ERR_MISSING);
  assert_non_null(strstr(e.message, "install libhdf5-dev"));
}

int main(void) {
  const struct CMUnitTest tests[] = {leak_checked(round_trip), leak_checked(damaged), leak_checked(over_a_socket),
                                     leak_checked(bad_programs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
