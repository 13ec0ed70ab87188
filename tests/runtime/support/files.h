/* files.h: the data that tests read, the files they write, and the check that they leave no memory behind. */
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include <stddef.h>
#include <stdint.h>

enum { TEST_PATH = 4096 };

/* The path of a file or folder among the data sets: below the environment variable LAMINA_DATA, else below
 * ../shared/data beside the repository. NULL, and a line that says so, where it is not there. */
const char *data_path(const char *relative, char out[TEST_PATH]);

/* A path in a folder of this process, which is removed with what is in it when the process ends. */
const char *temp_path(const char *name, char out[TEST_PATH]);

/* Writes bytes to a temporary file of that name and returns its path (in a buffer of its own, overwritten by the
 * next call). */
const char *temp_file(const char *name, const void *bytes, size_t n);

/* The number of names in the folder of temp_path. */
int64_t temp_count(void);

/* cmocka setup and teardown: the live bytes and blocks of the runtime are afterwards what they were before. */
int memory_note(void **state);
int memory_check(void **state);

#define leak_checked(test) cmocka_unit_test_setup_teardown(test, memory_note, memory_check)

#endif
