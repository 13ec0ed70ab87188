/* modules.h: where the parts of Lamina lie that are loaded, or started, at their first use: beside the command in
 * modules/ (a build) or ../lib/lamina/ (installed), or in the folder that LAMINA_MODULES names. */
#ifndef LM_INTERP_MODULES_H
#define LM_INTERP_MODULES_H

#include <limits.h>
#include <stdbool.h>

enum { MODULES_PATH = PATH_MAX + 64 };

/* The path of such a file; false where it is at none of these places, with the last of them in `path`. */
bool modules_find(const char *file, char path[MODULES_PATH]);

#endif
