/* fixtures.h: folders of files with an expected.json that tells what each holds, and what any reader must withstand.
 */
#ifndef TEST_FIXTURES_H
#define TEST_FIXTURES_H

#include "base/err.h"
#include "io/json.h"
#include "tensor/tensor.h"

/* The member `key` of an object, or NULL. */
const lm_json *fixture_member(const lm_json *object, const char *key);

/* Compares shape and every element with an entry {"shape": [...], "values_c_order": [...]}, where "NaN", "Inf" and
 * "-Inf" stand for themselves and a value [re, im] for the two elements of a complex number; fails the test with the
 * file's name. */
void fixture_compare(const char *name, const lm_tensor *t, const lm_json *entry);

/* Calls each(path, name, entry) for every member of FOLDER/expected.json below the data root; returns how many, 0
 * where the data are absent. */
int64_t fixture_each(const char *folder, void (*each)(const char *path, const char *name, const lm_json *entry));

/* A reader under attack: returns its status and frees what it read. */
typedef lm_status (*fixture_reader)(const char *path, lm_err *e);

/* Every truncation of the bytes must be refused with a message that begins with the path; every change of one byte
 * (four kinds of change, every `stride`-th byte) must either be refused so or be read without harm. */
void fixture_attack(fixture_reader read, const char *name, const void *bytes, size_t n, size_t stride);

#endif
