/* foreign.h: the runtime's memory for libraries that let their allocator be chosen, so that the budget counts what
 * they take. libjpeg, stdio and zlib's gzFile use the system's. */
#ifndef LM_IO_FOREIGN_H
#define LM_IO_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* jansson takes its memory from lm_alloc from now on; before every piece of work with it. What json_dumps returns
 * goes to lm_free. */
void lm_foreign_json(void);

/* Whether jansson was refused memory since then, on this thread; it does not always say so. */
bool lm_foreign_json_starved(void);

/* zalloc and zfree of a z_stream. */
void *lm_foreign_zalloc(void *context, unsigned items, unsigned size);
void lm_foreign_zfree(void *context, void *block);

#endif
