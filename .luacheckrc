-- Lamina's words are globals of a script; the library itself uses `require` and locals.
std = "lua54"
max_line_length = 118
unused_args = false
-- strict globals check these when they run
files["scripts"] = { global = false }
files["tests"] = { global = false }
