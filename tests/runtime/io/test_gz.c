/* Files that gzip packed: what zlib writes is what is read, in one member or several, in pieces of any size. */
#include "files.h"
#include "fixtures.h"

#include "io/file.h"
#include "io/gz.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { BYTES = 700000 };

/* Runs of bytes, and noise: matches near and far, and literals. */
static void fill(unsigned char *to, int64_t n) {
  uint32_t x = 1;
  for (int64_t i = 0; i < n; i++) {
    x = x * 1664525u + 1013904223u;
    to[i] = (unsigned char)(i / 5000 % 3 == 0 ? x >> 24 : i / 5000 % 3 == 1 ? i / 100 : to[i - 7000]);
  }
}

static int64_t pack(unsigned char *to, int64_t room, const unsigned char *from, int64_t n, int level) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (unsigned char *)(uintptr_t)from;
  z.avail_in = (unsigned)n;
  z.next_out = to;
  z.avail_out = (unsigned)room;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  const int64_t made = (int64_t)z.total_out;
  deflateEnd(&z);
  return made;
}

/* Reads a file of these bytes in pieces; returns how many came. */
static lm_status read_back(const unsigned char *file, int64_t n, unsigned char *to, int64_t room, int64_t piece,
                           int64_t *got, lm_err *e) {
  char path[TEST_PATH];
  lm_gz *g;
  temp_path("some.gz", path);
  assert_int_equal(lm_file_write_atomic(path, file, (size_t)n, e), LM_OK);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_int_equal(lm_gz_open(&g, fd, path, e), LM_OK);
  lm_status status = LM_OK;
  int64_t now = 1;
  for (*got = 0; status == LM_OK && now > 0 && *got < room; *got += now)
    status = lm_gz_read(g, to + *got, piece < room - *got ? piece : room - *got, &now, e);
  lm_gz_close(g);
  remove(path);
  return status;
}

static void members(void **state) {
  (void)state;
  static const int levels[] = {0, 1, 6, 9};
  lm_err e;
  unsigned char *data = malloc(BYTES), *file = malloc(3 * BYTES), *back = malloc(BYTES + 1);
  fill(data, BYTES);
  for (int i = 0; i < 4; i++)
    for (int parts = 1; parts <= 3; parts++)
      for (int64_t piece = 999; piece <= BYTES + 1; piece *= 27) {
        int64_t n = 0, got;
        for (int64_t k = 0; k < parts; k++) /* the second member is empty */
          n += pack(file + n, 3 * BYTES - n, data + (k < 2 ? 0 : BYTES / 2),
                    parts < 3 ? (k == 0 ? BYTES : 0)
                    : k == 1  ? 0
                              : BYTES / 2,
                    levels[i]);
        assert_int_equal(read_back(file, n, back, BYTES + 1, piece, &got, &e), LM_OK);
        assert_int_equal(got, BYTES);
        assert_memory_equal(back, data, BYTES);
        memcpy(file + n, "garbage", 7); /* what no member begins is passed over */
        assert_int_equal(read_back(file, n + 7, back, BYTES + 1, piece, &got, &e), LM_OK);
        assert_int_equal(got, BYTES);
      }
  free(data);
  free(file);
  free(back);
}

static void plain(void **state) {
  (void)state;
  lm_err e;
  int64_t got;
  unsigned char *data = malloc(BYTES), *back = malloc(BYTES + 1);
  fill(data, BYTES);
  data[0] = 0x1f;
  data[1] = 0x8c;
  for (int64_t n = 0; n <= BYTES; n = n < 3 ? n + 1 : n * 31 + 1) {
    assert_int_equal(read_back(data, n, back, BYTES + 1, 4096, &got, &e), LM_OK);
    assert_int_equal(got, n);
    assert_memory_equal(back, data, (size_t)n);
  }
  free(data);
  free(back);
}

/* The checksum and the length at the end, the data's end, and a wrong method are each held to. */
static void faults(void **state) {
  (void)state;
  lm_err e;
  int64_t got;
  unsigned char *data = malloc(BYTES), *file = malloc(3 * BYTES), *back = malloc(BYTES + 1);
  fill(data, BYTES);
  const int64_t n = pack(file, 3 * BYTES, data, BYTES, 6);
  for (int64_t at = n - 8; at < n; at++) {
    file[at] ^= 0x10;
    assert_int_equal(read_back(file, n, back, BYTES + 1, 1 << 16, &got, &e), LM_ERR_FORMAT);
    assert_non_null(strstr(e.message, "damaged compressed data"));
    file[at] ^= 0x10;
  }
  for (int64_t cut = n - 1; cut > 2; cut = cut > n - 12 ? cut - 1 : cut / 3) {
    assert_int_equal(read_back(file, cut, back, BYTES + 1, 1 << 16, &got, &e), LM_ERR_FORMAT);
    assert_non_null(strstr(e.message, "truncated"));
  }
  file[2] = 7;
  assert_int_equal(read_back(file, n, back, BYTES + 1, 1 << 16, &got, &e), LM_ERR_FORMAT);
  assert_non_null(strstr(e.message, "damaged compressed data"));
  free(data);
  free(file);
  free(back);
}

int main(void) {
  const struct CMUnitTest tests[] = {leak_checked(members), leak_checked(plain), leak_checked(faults)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
