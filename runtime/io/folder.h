/* folder.h: folders and names in the file system. Messages begin with the path. */
#ifndef LM_IO_FOLDER_H
#define LM_IO_FOLDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

bool lm_path_exists(const char *path);
bool lm_path_is_folder(const char *path);

/* Makes a folder and the folders above it; one that is there already is fine. */
lm_status lm_folder_make(const char *path, lm_err *e);

/* The names in a folder without "." and "..", sorted by their bytes. *out is one block, given back with lm_free. */
lm_status lm_folder_list(char ***out, int64_t *count, const char *path, lm_err *e);

/* Removes a file, or a folder that is empty. A name that is not there is an error. */
lm_status lm_path_remove(const char *path, lm_err *e);

#endif
