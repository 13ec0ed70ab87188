/* embed.h: the Lua library that is built into the command; sorted by module name, closed by a row of NULLs. */
#ifndef LM_INTERP_EMBED_H
#define LM_INTERP_EMBED_H

typedef struct embed_file {
  const char *module; /* "model", "layers.conv" */
  const char *path;   /* "lib/layers/conv.lua", as messages show it */
  const char *begin, *end;
} embed_file;

extern const embed_file embed_files[];

#endif
