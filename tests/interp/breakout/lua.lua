-- What a script tries behind the interpreter's wall: a line per attempt, "NAME<tab>escaped" or "NAME<tab>WHAT WAS
-- SAID". Run with the output folder, a folder of somebody else's, and a native module.
local out, home, module = ...
local base = require "lamina.core.base"
local core_io = require "lamina.core.io"

local function text_of(file)
  local text = file and file:read "a"
  if file then file:close() end
  return text and text ~= ""
end

local attempts = {
  -- programs
  { "os.execute", function() return os.execute "true" end },
  { "io.popen", function() return text_of(io.popen "echo x") end },
  { "require os", function() return require "os".execute "true" end },
  { "require io", function() return text_of(require "io".popen "echo x") end },
  { "a metatable over os", function() return setmetatable({}, { __index = os }).execute "true" end },
  { "gsub calling execute", function()
    return string.gsub("true", ".+", function(c) return tostring(os.execute(c)) end) == "true"
  end },
  { "a coroutine", function() return coroutine.wrap(os.execute) "true" end },
  { "a finaliser", function()
    local done, why
    setmetatable({}, { __gc = function() done, why = pcall(os.execute, "true") end })
    collectgarbage()
    collectgarbage()
    return done or error(why or "nothing", 0)
  end },
  { "a variable that closes", function()
    local done, why
    do
      local guard <close> = setmetatable({}, { __close = function() done, why = pcall(os.execute, "true") end })
      assert(guard)
    end
    return done or error(why, 0)
  end },
  { "load with the globals", function() return load("return os.execute 'true'", "x", "bt", _G)() end },
  { "a handler of errors", function()
    local _, done, why = xpcall(error, function() return select(2, pcall(os.execute, "true")) end, "x")
    return done == true or error(why or done, 0)
  end },
  { "a finaliser that the library sets", function()
    local meta, done = getmetatable(relu {}), nil
    rawset(meta, "__gc", function() done = true end)
    relu {}
    collectgarbage()
    collectgarbage()
    rawset(meta, "__gc", nil)
    return done or error("nothing", 0)
  end },
  { "a finaliser of an error", function()
    local meta, done = getmetatable(select(2, try(function() ones(-1) end))), nil
    if type(meta) ~= "table" then error("nothing", 0) end
    meta.__gc = function() done = true end
    try(function() ones(-1) end)
    collectgarbage()
    collectgarbage()
    meta.__gc = nil
    return done or error("nothing", 0)
  end },
  { "a finaliser of files", function()
    local meta, done = getmetatable(io.stdout), nil
    if type(meta) ~= "table" then error("nothing", 0) end
    local kept = meta.__gc
    meta.__gc = function(file) done = true return kept(file) end
    io.open(arg[0])
    collectgarbage()
    collectgarbage()
    meta.__gc = kept
    return done or error("nothing", 0)
  end },
  { "what frees a tensor", function()
    local x = ones { 2 }
    local meta = getmetatable(x)
    return type(meta) == "table" and pcall(meta.__gc, x) or error("nothing", 0)
  end },
  { "lamina.core.fetch", function() return require "lamina.core.fetch".get ~= nil end },
  { "lamina.core.terminal", function() return require "lamina.core.terminal".ask ~= nil end },
  { "lamina.core.bundle", function() return require "lamina.core.bundle".write_new ~= nil end },
  { "more threads", function()
    local n = base.threads()
    return base.threads(n + 1) == n + 1 and base.threads(n)
  end },
  { "somebody's process", function() return base.process(1) or error("nothing", 0) end },
  { "this command again", function() return require "lamina.core.process".lamina { "-e", "" } == 0 end },
  -- native code and bytecode
  { "package.loadlib", function() return package.loadlib("libc.so.6", "*") end },
  { "package.loadlib of a file", function() return package.loadlib(module, "luaopen_breakout") end },
  { "package.cpath", function()
    package.cpath = module:gsub("[^/]*$", "?.so")
    return require(module:match "([^/]*)%.so$")
  end },
  { "package.searchers", function() return #package.searchers > 0 end },
  { "package.preload", function()
    package.preload.mine = function() return true end
    return require "mine"
  end },
  { "package.loaded", function() return package.loaded.os end },
  { "string.dump", function() return string.dump(function() end) end },
  -- the debug library
  { "debug.getregistry", function() return debug.getregistry() end },
  { "debug.getupvalue", function() return debug.getupvalue(require "lamina.errors".raise, 1) end },
  { "debug.setupvalue", function() return debug.setupvalue(function() return out end, 1, out) end },
  { "debug.setmetatable", function() return debug.setmetatable(nil, nil) == nil end },
  { "debug.sethook", function() debug.sethook(function() end, "c") debug.sethook() return true end },
  { "debug.getinfo", function() return debug.getinfo(1) end },
  { "debug.getlocal", function() return debug.getlocal(1, 1) or true end },
  { "require debug", function() return require "debug".getregistry() end },
  { "the metatable of strings", function() return type(getmetatable "") == "table" or error(getmetatable "", 0) end },
  -- reading
  { "/etc/passwd", function() return text_of(assert(io.open "/etc/passwd")) end },
  { "somebody's file", function() return text_of(assert(io.open(home .. "/secret.txt"))) end },
  { "a path with ..", function() return text_of(assert(io.open "../home/secret.txt")) end },
  { "a symbolic link", function() return text_of(assert(io.open "link.txt")) end },
  { "a linked folder", function() return text_of(assert(io.open "linked/secret.txt")) end },
  { "/proc/self/environ", function() return text_of(assert(io.open "/proc/self/environ")) end },
  { "/proc/self/maps", function() return text_of(assert(io.open "/proc/self/maps")) end },
  { "/proc/self/root", function() return text_of(assert(io.open "/proc/self/root/etc/passwd")) end },
  { "/dev/fd", function() return assert(io.open "/dev/fd/1") end },
  { "io.lines", function() return io.lines(home .. "/secret.txt")() end },
  { "io.lines of all", function() return io.lines(home .. "/secret.txt", "a")() end },
  { "io.input", function() return io.input(home .. "/secret.txt") end },
  { "loadfile", function() return assert(loadfile(home .. "/evil.lua")) end },
  { "dofile", function() return dofile(home .. "/evil.lua") end },
  { "require through a link", function() return require "linked.evil" end },
  { "the environment", function() return os.getenv "HOME" or error("nothing", 0) end },
  { "the environment again", function() return base.getenv "HOME" or error("nothing", 0) end },
  { "base.list", function() return base.list(home) end },
  { "base.exists", function() return base.exists(home .. "/secret.txt") or error("nothing", 0) end },
  { "base.isdir", function() return base.isdir(home) or error("nothing", 0) end },
  { "base.sha256_file", function() return base.sha256_file(home .. "/secret.txt") end },
  { "io.text_read", function() return core_io.text_read(home .. "/secret.txt") end },
  { "data.csv", function() return data.csv(home .. "/table.csv") end },
  { "data.npy", function() return data.npy(home .. "/x.npy") end },
  { "a mapped file", function() return core_io.npy_read(home .. "/x.npy", { map = true }) end },
  { "data.json", function() return data.json(home .. "/x.json") end },
  { "an error's source line", function()
    return require "lamina.errors".source_line { file = home .. "/secret.txt", line = 1 } or error("nothing", 0)
  end },
  { "a data set of pictures", function() return data.images { home .. "/pictures", size = 4 } end },
  -- writing
  { "a new file", function() return assert(io.open(home .. "/new.txt", "w")):close() end },
  { "a file beside the script", function() return assert(io.open("new.lua", "w")):close() end },
  { "appending", function() return assert(io.open(home .. "/secret.txt", "a")):close() end },
  { "io.output", function() return io.output(home .. "/new.txt") end },
  { "os.remove", function() return assert(os.remove(home .. "/spare.txt")) end },
  { "os.rename in", function() return assert(os.rename(home .. "/secret.txt", out .. "/mine.txt"))
    and assert(os.rename(out .. "/mine.txt", home .. "/secret.txt")) end },
  { "os.rename out", function()
    assert(io.open(out .. "/own.txt", "w")):close()
    return assert(os.rename(out .. "/own.txt", home .. "/own.txt"))
  end },
  { "os.tmpname", function() return os.remove(os.tmpname()) end },
  { "io.tmpfile", function() return io.tmpfile() end },
  { "base.mkdir", function() base.mkdir(home .. "/deep/folder") return true end },
  { "base.mkdir_new", function() return base.mkdir_new(home .. "/folder") end },
  { "base.remove", function() base.remove(home .. "/own.txt") return true end },
  { "io.text_write", function() core_io.text_write(home .. "/new.txt", "x") return true end },
  { "data.save_npy", function() data.save_npy(home .. "/new.npy", zeros { 2 }) return true end },
  { "data.save_png", function() core_io.png_write(home .. "/new.png", zeros { 2, 2 }) return true end },
  { "a figure", function() plot.images({ zeros { 1, 4, 4 } }):save(home .. "/new.svg") return true end },
  { "out of the output folder", function() core_io.text_write(out .. "/../new.txt", "x") return true end },
  { "os.setlocale", function() return os.setlocale "C" end },
  { "base.set_budget", function() base.set_budget(1 << 50) return base.memory().budget == 1 << 50 end },
}

for _, attempt in ipairs(attempts) do
  local ok, value = pcall(attempt[2])
  print(attempt[1] .. "\t" .. (ok and value and "escaped" or tostring(ok and "nothing" or value):gsub("[\n\t]", " ")))
end
