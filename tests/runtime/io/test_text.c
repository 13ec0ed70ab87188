/* test_text.c: CSV, JSON, numbers as text, UTF-8. */
#include "files.h"

#include "base/memory.h"
#include "io/csv.h"
#include "io/json.h"
#include "io/text.h"
#include "io/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- CSV --------------------------------------------------------------------------------------------------------
 */

/* The fields of a text, joined as "a|b/c|d": '|' between fields, '/' after a row. */
static void check_csv(const char *text, char separator, const char *expected) {
  lm_err e = {0};
  lm_table t;
  char joined[512];
  size_t n = 0;
  if (lm_csv_parse(&t, "t.csv", text, (int64_t)strlen(text), separator, &e) != LM_OK) fail_msg("%s", e.message);
  for (int64_t i = 0; i < t.rows * t.columns; i++)
    n += (size_t)snprintf(joined + n, sizeof joined - n, "%.*s%c", (int)t.fields[i].n, t.fields[i].data,
                          (i + 1) % t.columns ? '|' : '/');
  joined[n] = 0;
  assert_string_equal(joined, expected);
  lm_table_free(&t);
}

static void csv_read(void **state) {
  (void)state;
  check_csv("a,b\n1,2\n", ',', "a|b/1|2/");
  check_csv("a,b\r\n1,2", ',', "a|b/1|2/");
  check_csv("a,b\r1,2\r", ',', "a|b/1|2/");
  check_csv("\xef\xbb\xbfid,x\n\n\r\n7,\n", ',', "id|x/7|/");
  check_csv("\"a,\"\"b\"\"\",\"line\none\"\n,\n", ',', "a,\"b\"|line\none/|/");
  check_csv("\"\"\n\"x\"\n", ',', "/x/");
  check_csv("a;b\n1,5;2\n", ';', "a|b/1,5|2/");
  check_csv("a\tb\n", '\t', "a|b/");
  check_csv("", ',', "");
  check_csv(" a , b \n", ',', " a | b /");
  check_csv("caf\xc3\xa9,\xf0\x9f\xa7\xa0\n", ',', "caf\xc3\xa9|\xf0\x9f\xa7\xa0/");
}

static void check_bad_csv(const char *text, int64_t n, const char *expected) {
  lm_err e = {0};
  lm_table t;
  assert_int_equal(lm_csv_parse(&t, "t.csv", text, n, ',', &e), LM_ERR_FORMAT);
  assert_string_equal(e.message, expected);
}

static void csv_refused(void **state) {
  (void)state;
  check_bad_csv("a,b\n1,2\n3\n", 10, "t.csv:3: a row of 1 fields; the first has 2");
  check_bad_csv("a,b\n1,x\"y\n", 10, "t.csv:2: a quote inside a field that does not begin with one");
  check_bad_csv("a,b\n1,\"y", 8, "t.csv:2: the quote that begins here is never closed");
  check_bad_csv("\"a\"b\n", 5, "t.csv:1: characters after a closing quote");
  check_bad_csv("\"a\n\nb\",\"c\"d\n", 12, "t.csv:3: characters after a closing quote");
  check_bad_csv("a\nb\0c\n", 6, "t.csv:2: byte 00: not UTF-8 text");
  check_bad_csv("a\n\n\xff\n", 5, "t.csv:3: byte ff: not UTF-8 text");
  lm_err e;
  lm_table t;
  assert_int_equal(lm_csv_parse(&t, "t", "a", 1, '"', &e), LM_ERR_ARGUMENT);
  assert_int_equal(lm_csv_read(&t, "/nowhere.csv", ',', &e), LM_ERR_IO);
}

static void csv_fields(void **state) {
  (void)state;
  lm_err e;
  static const char *const rows[][2] = {{"plain", "plain"},
                                        {"a,b", "\"a,b\""},
                                        {"say \"x\"", "\"say \"\"x\"\"\""},
                                        {"two\nlines", "\"two\nlines\""},
                                        {" edge", "\" edge\""},
                                        {"", ""}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lm_bytes out = {0};
    assert_int_equal(lm_csv_put_field(&out, rows[i][0], strlen(rows[i][0]), ',', &e), LM_OK);
    assert_int_equal(out.n, strlen(rows[i][1]));
    if (out.n) assert_memory_equal(out.data, rows[i][1], out.n);
    lm_free(out.data);
  }
}

/* ---- numbers ----------------------------------------------------------------------------------------------------
 */

static void number_texts(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *text;
  } rows[] = {{0.1, "0.1"},
              {1, "1.0"},
              {-0.0, "-0.0"},
              {1e300, "1e+300"},
              {1.0 / 3, "0.3333333333333333"},
              {0.1 + 0.2, "0.30000000000000004"},
              {5e-324, "4.94065645841247e-324"},
              {123456789012345680.0, "1.23456789012346e+17"},
              {INFINITY, "inf"},
              {-INFINITY, "-inf"},
              {NAN, "nan"}};
  char text[LM_NUMBER_TEXT];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    lm_number_text(rows[i].value, text);
    if (i != 7) assert_string_equal(text, rows[i].text);
    double back;
    int64_t integer;
    bool whole;
    assert_true(lm_number_parse(text, (int64_t)strlen(text), &back, &integer, &whole));
    assert_true(back == rows[i].value || isnan(rows[i].value));
  }
  unsigned long long bits = 88172645463325252ull; /* xorshift over the whole range of doubles */
  for (int i = 0; i < 20000; i++) {
    double value;
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    assert_true(strtod(lm_number_text(value, text), NULL) == value);
  }
}

static void number_parsed(void **state) {
  (void)state;
  static const char *const good[] = {"1", "-1.5", "+2", ".5", "5.", "1e3", "1E-3", "nan", "NaN", "-inf", "Infinity"};
  static const char *const bad[] = {"",    "-",   ".",    "1e", "0x10", "1 ",   " 1",
                                    "1,5", "1_0", "nano", "e5", "--1",  "1.2.3"};
  double value;
  int64_t integer;
  bool whole;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    if (!lm_number_parse(good[i], (int64_t)strlen(good[i]), &value, &integer, &whole)) fail_msg("%s", good[i]);
    assert_int_equal(whole, i == 0 || i == 2);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (lm_number_parse(bad[i], (int64_t)strlen(bad[i]), &value, &integer, &whole)) fail_msg("'%s'", bad[i]);
  assert_true(lm_number_parse("-9223372036854775808", 20, &value, &integer, &whole) && whole && integer == INT64_MIN);
  assert_true(lm_number_parse("9223372036854775807", 19, &value, &integer, &whole) && whole && integer == INT64_MAX);
  assert_true(lm_number_parse("9223372036854775808", 19, &value, &integer, &whole) && !whole && value == 0x1p63);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------
 */

static void json_read(void **state) {
  (void)state;
  lm_err e;
  lm_json *d;
  lm_text key;
  void *cursor = NULL;
  static const char text[] = "{\"z\": [1, 2.5, true, null, \"a\\u0000\\u00e9\"], \"a\": -9223372036854775808}";
  if (lm_json_parse(&d, "t.json", text, sizeof text - 1, &e) != LM_OK) fail_msg("%s", e.message);
  const lm_json *list = lm_json_next(d, &cursor, &key);
  assert_memory_equal(key.data, "z", 2);
  assert_int_equal(lm_json_kind_of(list), LM_JSON_LIST);
  assert_int_equal(lm_json_count(list), 5);
  assert_int_equal(lm_json_integer(lm_json_at(list, 0)), 1);
  assert_true(lm_json_real(lm_json_at(list, 1)) == 2.5);
  assert_true(lm_json_bool(lm_json_at(list, 2)));
  assert_int_equal(lm_json_kind_of(lm_json_at(list, 3)), LM_JSON_NULL);
  lm_text inner = lm_json_text(lm_json_at(list, 4));
  assert_int_equal(inner.n, 4);
  assert_memory_equal(inner.data, "a\0\xc3\xa9", 4);
  const lm_json *number = lm_json_next(d, &cursor, &key);
  assert_true(lm_json_integer(number) == INT64_MIN);
  assert_null(lm_json_next(d, &cursor, &key));
  lm_json_free(d);
}

static void json_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "{",
                                    "[1,]",
                                    "{\"a\":1,\"a\":2}",
                                    "[1] 2",
                                    "nul",
                                    "'a'",
                                    "[1e999]",
                                    "\"\xff\"",
                                    "[9223372036854775808]",
                                    "{a:1}",
                                    "[NaN]",
                                    "\"\\ud800\"",
                                    "[01]",
                                    "// c\n1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    lm_err e;
    lm_json *d;
    if (lm_json_parse(&d, "t.json", bad[i], (int64_t)strlen(bad[i]), &e) != LM_ERR_FORMAT) fail_msg("'%s'", bad[i]);
    assert_memory_equal(e.message, "t.json:1: column", 16);
    assert_null(d);
  }
  char deep[10001];
  memset(deep, '[', 10000);
  lm_err e;
  lm_json *d;
  assert_int_equal(lm_json_parse(&d, "deep", deep, 10000, &e), LM_ERR_FORMAT);
}

/* Cut or changed anywhere, a table or a document is read or refused, with its name at the front of the message. */
static void damaged(void **state) {
  (void)state;
  static const char table[] = "\xef\xbb\xbfid,\"a \"\"b\"\"\",\xc3\xa9\r\n1,2.5,\"x\ny\"\r\n\r\n3,,\"\"\n";
  static const char document[] = "{\"a\": [1, -2.5e3, true, null, {\"b\": \"\\u00e9\\n\"}], \"c\": {}, \"d\": []}";
  static const char changes[] = {0x01, 0x20, (char)0x80, (char)0xff, '"', ',', '\n'};
  char copy[256];
  for (int kind = 0; kind < 2; kind++) {
    const char *text = kind ? document : table;
    size_t n = kind ? sizeof document - 1 : sizeof table - 1;
    for (size_t i = 0; i < n; i++)
      for (size_t k = 0; k <= sizeof changes; k++) { /* the last k: cut at i */
        lm_err e = {0};
        lm_table t = {0};
        lm_json *d = NULL;
        memcpy(copy, text, n);
        if (k < sizeof changes) copy[i] = (char)(k < 4 ? copy[i] ^ changes[k] : changes[k]);
        int64_t length = (int64_t)(k < sizeof changes ? n : i);
        lm_status status =
            kind ? lm_json_parse(&d, "t.txt", copy, length, &e) : lm_csv_parse(&t, "t.txt", copy, length, ',', &e);
        if (status != LM_OK && (status != LM_ERR_FORMAT || strncmp(e.message, "t.txt:", 6) != 0))
          fail_msg("status %d: %s", (int)status, e.message);
        if (kind && k == sizeof changes) assert_int_equal(status, LM_ERR_FORMAT);
        lm_table_free(&t);
        if (d) lm_json_free(d);
      }
  }
}

static void json_texts(void **state) {
  (void)state;
  lm_err e;
  lm_bytes out = {0};
  assert_int_equal(lm_json_put_text(&out, "a\"\\\n\x01\0\xc3\xa9/", 9, &e), LM_OK);
  static const char wanted[] = "\"a\\\"\\\\\\n\\u0001\\u0000\xc3\xa9/\"";
  assert_int_equal(out.n, sizeof wanted - 1);
  assert_memory_equal(out.data, wanted, out.n);
  lm_free(out.data);
  out = (lm_bytes){0};
  assert_int_equal(lm_json_put_text(&out, "\xc3", 1, &e), LM_ERR_ARGUMENT);
  lm_free(out.data);
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------
 */

static void utf8(void **state) {
  (void)state;
  char text[5];
  uint32_t back;
  int64_t valid = 0;
  for (uint32_t point = 0; point <= 0x110010; point++) {
    int n = lm_utf8_encode(point, text);
    if (!n) continue;
    valid++;
    assert_int_equal(lm_utf8_decode(text, text + n, &back), n);
    assert_int_equal(back, point);
    assert_int_equal(lm_utf8_decode(text, text + n - 1, &back), 0);
  }
  assert_int_equal(valid, 0x110000 - 0x800);
  static const char *const bad[] = {
      "\x80",  "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
      "\xc3(", "\xff"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(lm_utf8_length(bad[i], (int64_t)strlen(bad[i])), -1);
  assert_int_equal(lm_utf8_length("na\xc3\xafve", 6), 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      leak_checked(csv_read),      leak_checked(csv_refused), leak_checked(csv_fields),   leak_checked(number_texts),
      leak_checked(number_parsed), leak_checked(json_read),   leak_checked(json_refused), leak_checked(json_texts),
      leak_checked(damaged),       leak_checked(utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
