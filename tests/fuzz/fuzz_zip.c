/* fuzz_zip.c: archives that are unpacked, as bundles are: whatever stands in them, nothing lies outside the folder.
 */
#include "fuzz.h"

#include "base/memory.h"
#include "io/folder.h"
#include "io/zip.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

static char outer[64], inner[80];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)info, (void)kind, (void)at;
  return remove(path) != 0 && errno != ENOENT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const lm_zip_limits limits = {.bytes = 1 << 20, .files = 64};
  lm_err e = {0};
  char **names;
  int64_t count;
  const char *path = fuzz_file(data, size);
  if (!*outer) snprintf(outer, sizeof outer, "/tmp/lamina-fuzz-zip-%ld", (long)getpid());
  snprintf(inner, sizeof inner, "%s/in", outer);
  if (lm_folder_make(inner, &e) != LM_OK) return 0;
  fuzz_told(lm_zip_unpack(path, inner, &limits, &e), &e, path);
  if (lm_folder_list(&names, &count, outer, &e) == LM_OK) {
    if (count != 1) abort(); /* something got out */
    lm_free(names);
  }
  nftw(outer, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return 0;
}
