/* editor.h: lines from a person: GNU readline where the build has it and the input is a terminal, else plain lines.
 */
#ifndef LM_INTERP_EDITOR_H
#define LM_INTERP_EDITOR_H

typedef enum editor_result {
  EDITOR_LINE,        /* *line holds it, without the line's end; the caller frees it */
  EDITOR_END,         /* the input has ended: Ctrl-D */
  EDITOR_INTERRUPTED, /* Ctrl-C: what was typed is gone */
  EDITOR_FAILED       /* out of memory */
} editor_result;

/* What the editor asks while a line is typed. `line` is what stands before the word, or the whole line. */
typedef struct editor_help {
  /* The completions of a word: a list closed by NULL, list and strings made with malloc; NULL where there are none.
   */
  char **(*complete)(void *context, const char *word, const char *line);
  char *(*paint)(void *context, const char *line); /* the line in colour, made with malloc; NULL: as it is */
  void *context;
} editor_help;

/* Begins; the history is read from a file. */
void editor_open(const editor_help *help);

/* A pasted text of several lines comes as one. */
editor_result editor_read(const char *prompt, char **line);

/* Adds an entry, of one line or several, to the history and its file. */
void editor_remember(const char *entry);

#endif
