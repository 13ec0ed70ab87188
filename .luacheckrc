-- Lamina's words are globals of a script; the library itself uses `require` and locals.
std = "lua54"
max_line_length = 118
unused_args = false
files["scripts"] = { global = false } -- strict globals check these when a script runs
files["tests"] = { std = "+busted" }
