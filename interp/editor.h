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

/* The completions of a word: a list closed by NULL, list and strings made with malloc; NULL where there are none. */
typedef char **(*editor_complete)(void *context, const char *word);

/* Begins; the history is read from a file and written back at editor_close, or when the process exits. */
void editor_open(editor_complete complete, void *context);

editor_result editor_read(const char *prompt, char **line);

/* Adds an entry, of one line or several, to the history. */
void editor_remember(const char *entry);

/* Writes the history: what other sessions have added meanwhile is kept. May be called again. */
void editor_close(void);

#endif
