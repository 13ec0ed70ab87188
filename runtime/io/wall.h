/* wall.h: which paths may be touched. There is no wall until lm_wall_raise; then every reader and writer of the
 * runtime asks, and only what lies in the named files and folders is let through, links followed. It is raised once,
 * before a script that is not trusted begins, and never lowered. */
#ifndef LM_IO_WALL_H
#define LM_IO_WALL_H

#include "base/err.h"

#include <stdbool.h>

/* From now on only what lies at or below one of the `n` paths of `read` may be read, and what lies at or below
 * `write` (NULL: nothing) read and written; /dev/null stays open for both. The paths are copied, links followed. */
lm_status lm_wall_raise(const char *const *read, int n, const char *write, lm_err *e);

bool lm_wall_stands(void);

/* LM_ERR_DENIED where the wall stands between. A path whose last parts are not there yet counts as below what is. */
lm_status lm_wall_check(const char *path, bool writing, lm_err *e);

#endif
