-- Lua made repeatable: orders, numbers, text.
local command = require "support.command"

-- What code prints, the same in two runs of the command.
local function printed(code)
  local first, second = command.code(code), command.code(code)
  assert.equal("", first.err)
  assert.equal(first.out, second.out)
  return first.out
end

describe("pairs", function()
  it("goes through numbers, strings, booleans, in order", function()
    assert.equal("-2.5 1 2 3.5 10 A a ab b \u{e9} false true ", printed [[
      local t = { [true] = 1, b = 1, [10] = 1, a = 1, ["\u{e9}"] = 1, [1] = 1, A = 1, [3.5] = 1, ab = 1, [false] = 1,
        [2] = 1, [-2.5] = 1 }
      for k in pairs(t) do io.write(tostring(k), " ") end]])
  end)

  it("gives lists by index, and a thousand names sorted", function()
    assert.equal("1=a 2=b 3=c ", printed "for i, v in pairs { 'a', 'b', 'c' } do io.write(i, '=', v, ' ') end")
    assert.equal("true\t1000\n", printed [[
      local t, last, good, n = {}, "", true, 0
      for i = 1, 1000 do t["k" .. i * 7919 % 1000] = i end
      for k in pairs(t) do good = good and last < k; last = k; n = n + 1 end
      print(good, n)]])
  end)

  it("passes over what is removed on the way, and honours __pairs", function()
    assert.equal("a c ", printed [[
      local t = { a = 1, b = 2, c = 3 }
      for k in pairs(t) do t.b = nil io.write(k, " ") end]])
    assert.equal("1 3 ", printed [[
      local t = { 1, 2, 3 }
      for k in pairs(t) do t[2] = nil io.write(k, " ") end]])
    assert.equal("x\t1\n", printed [[
      local function step(_, k) if not k then return "x", 1 end end
      local t = setmetatable({}, { __pairs = function() return step end })
      for k, v in pairs(t) do print(k, v) end]])
  end)

  it("refuses keys whose order would be that of addresses", function()
    local result = command.code "for k in pairs { [{}] = 1, [print] = 2 } do end"
    assert.equal(1, result.code)
    assert.matches("is a key of this table: its place in the order would depend on its address", result.err)
  end)

  it("orders objects that have a serial number", function()
    assert.equal("1 2 ", printed [[
      local serial = require("lamina.core.repeatable").serial
      local a, b = { n = 1 }, { n = 2 }
      serial(a) serial(b)
      for k in pairs { [b] = 1, [a] = 1 } do io.write(k.n, " ") end]])
  end)

  it("orders tensors, then objects, as they were made", function()
    assert.equal("10.0 20.0 30.0 1 2 3 ", printed [[
      local objects, tensors, keys = {}, {}, {}
      for i = 1, 3 do objects[i] = setmetatable({ n = i }, {}) tensors[i] = tensor(10 * i) end
      for _, i in ipairs { 2, 3, 1 } do
        local object, one = objects[i], tensors[i]
        keys[object], keys[one] = true, true
      end
      for k in pairs(keys) do io.write(type(k) == "table" and k.n or k:item(), " ") end]])
    assert.equal("2 1 ", printed [[
      local a, b = { n = 1 }, { n = 2 }
      setmetatable(b, {}) setmetatable(a, {}) setmetatable(b, { __index = a })
      local keys, k = { [a] = 1, [b] = 1 }, nil
      repeat k = next(keys, k) io.write(k and k.n .. " " or "") until not k]])
    assert.equal("conv model ", printed [[
      local layer = conv { 3, kernel = 3 }
      local net = model "a" { input { 1 }, readout "x" { dense { 1 } } }
      for _, what in pairs { [net] = "model", [layer] = "conv" } do io.write(what, " ") end]])
  end)

  it("goes by size among whole and other numbers that are near", function()
    assert.equal("0 1 2 ", printed [[
      local low, high = 2.0 ^ 53, 2.0 ^ 53 + 2
      for k in pairs { [high] = 1, [low] = 1, [(1 << 53) + 1] = 1 } do
        io.write(math.tointeger(k) - (1 << 53), " ")
      end]])
  end)

  it("raises for what is no table", function()
    assert.matches("bad argument #1 to .* %(table expected, got nil%)", command.code("pairs(nil)").err)
  end)
end)

describe("next", function()
  it("has the order of pairs", function()
    assert.equal("1 a b nil\n", printed [[
      local t = { b = 1, a = 2, [1] = 3 }
      local k = next(t)
      while k do io.write(k, " ") k = next(t, k) end
      print(k)]])
    assert.equal("nil\n", printed "print(next {})")
    assert.equal("b\n", printed "print((next({ a = 1, b = 2 }, 'aa')))") -- of a key that is not there, too
  end)

  it("costs a loop no more than pairs does: a large table takes no square of its size", function()
    local t, count = {}, 0
    for i = 1, 40000 do t[i * 3], t["k" .. i] = i, i end
    local before = os.clock()
    for _ in next, t do count = count + 1 end
    assert.equal(80000, count)
    assert.is_true(os.clock() - before < 10) -- every key at every step: minutes
  end)

  it("goes on where it was, whatever other loops do, fields that go, and collections", function()
    assert.equal("same\n", printed [[
      local kinds = { function(i) return i end, function(i) return "k" .. i * 7 % 61 end,
        function(i) return i % 3 == 0 and i + 0.5 or i % 3 == 1 and "s" .. i or -i end,
        function(i) return i == 1 and true or setmetatable({ n = i }, {}) end }
      local tables, ways = {}, {}
      for t = 1, 20 do
        tables[t] = {}
        for i = 1, t * 3 do tables[t][kinds[t % 4 + 1](i)] = i end
        ways[t] = { wanted = {}, got = {} }
        for k in pairs(tables[t]) do table.insert(ways[t].wanted, k) end
      end
      for _ = 1, 61 do -- twenty loops in turn, more than are remembered
        for t, way in ipairs(ways) do
          if not way.done then
            local k = next(tables[t], way.k)
            way.k, way.done = k, k == nil
            way.got[#way.got + 1] = k
          end
        end
        collectgarbage()
      end
      local inner = {} -- a loop within a loop over the same table
      for a in next, tables[7] do
        for b in next, tables[7] do inner[#inner + 1] = { a, b } end
      end
      local n = #ways[7].wanted
      for i, pair in ipairs(inner) do
        assert(pair[1] == ways[7].wanted[(i - 1) // n + 1] and pair[2] == ways[7].wanted[(i - 1) % n + 1])
      end
      assert(#inner == n * n)
      for t, way in ipairs(ways) do
        assert(#way.got == #way.wanted, t)
        for i, k in ipairs(way.wanted) do assert(way.got[i] == k, t) end
      end
      print "same"]])
    assert.equal("1 3 4 6 7 8 9 ", printed [[ -- a list whose fields go before and after they are met
      local t = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }
      for k in next, t do
        io.write(k, " ")
        t[k] = nil
        if k == 1 then t[2] = nil elseif k == 3 then t[5] = nil end
      end]])
    assert.equal("a c | a b c d | ", printed [[ -- what is added is met by a loop that begins anew, an end or not
      local t = { a = 1, c = 1, d = 1 }
      for k in next, t do io.write(k, " ") if k == "c" then break end end
      t.b = 1
      io.write "| "
      for k in next, t do io.write(k, " ") end
      io.write "| "]])
    assert.equal("b\tbb\tc\n", printed [[ -- the first key was the last one given of a loop left off
      local t = { a = 1, b = 1, c = 1 }
      next(t, next(t))
      t.a, t.bb = nil, 1
      local k = next(t)
      print(k, (next(t, k)), (next(t, "bb")))]])
  end)

  it("keeps neither tables nor keys", function()
    assert.equal("0\t0\n", printed [[
      local gone = setmetatable({}, { __mode = "kv" })
      do
        local t = {}
        for i = 1, 5 do
          local key = setmetatable({}, {})
          t[key] = true
          if i == 5 then gone.key = key end
        end
        gone.t = t
        next(t, (next(t)))
        local u = { [gone.key] = true, a = 1, b = 1 }
        next(u, (next(u)))
        u[gone.key] = nil
        _G.u = u
      end
      collectgarbage() collectgarbage()
      print(gone.t == nil and 0 or 1, gone.key == nil and 0 or 1)]])
  end)
end)

describe("setmetatable", function()
  it("is that of Lua", function()
    local t, meta = {}, {}
    assert.equal(t, setmetatable(t, meta))
    assert.equal(meta, getmetatable(t))
    assert.is_nil(getmetatable(setmetatable(t, nil)))
    assert.has_error(function() setmetatable(setmetatable({}, { __metatable = "no" }), {}) end,
      "cannot change a protected metatable")
    assert.matches("bad argument #1 to 'setmetatable' %(table expected, got nil%)",
      select(2, pcall(setmetatable, nil, {})))
    assert.matches("bad argument #2 to 'setmetatable' %(nil or table expected", select(2, pcall(setmetatable, {}, 1)))
  end)
end)

describe("table.sort", function()
  it("is stable", function()
    assert.equal("a1 a2 a3 b1 b2 c1\n", printed [[
      local t = {}
      for s in ("b1 a1 c1 a2 b2 a3"):gmatch "%S+" do t[#t + 1] = s end
      table.sort(t, function(x, y) return x:sub(1, 1) < y:sub(1, 1) end)
      print(table.concat(t, " "))]])
  end)

  it("sorts lists of every length up to 70, against insertion", function()
    for n = 0, 70 do
      local a, b = {}, {}
      for i = 1, n do a[i] = (i * 37 + n * 11) % 23 end
      for i = 1, n do
        local j = i
        while j > 1 and b[j - 1] > a[i] do b[j] = b[j - 1] j = j - 1 end
        b[j] = a[i]
      end
      table.sort(a)
      assert.same(b, a)
    end
  end)

  it("passes on errors of the comparison", function()
    assert.has_error(function() table.sort { 1, {}, 3 } end)
  end)
end)

describe("numbers", function()
  it("print with the digits that make them come back", function()
    assert.equal("0.1\t0.30000000000000004\t1e+100\t100.0\t-0.0\t3\n",
      printed "print(0.1, 0.1 + 0.2, 1e100, 100.0, -0.0, 3)")
    assert.equal("0.1x 1e-05x", printed "io.write(0.1 .. 'x', ' ', 1e-5 .. 'x')")
    assert.equal("0.30000000000000004 ", printed "io.write(0.1 + 0.2, ' ')")
    assert.equal("0.30000000000000004,1", printed "io.write(table.concat({ 0.1 + 0.2, 1 }, ','))")
    for _, x in ipairs { 1 / 3, math.pi, 1e308, 5e-324, 123456789.123, -1e-7 } do
      assert.equal(x, tonumber(tostring(x)))
      assert.equal(x, tonumber("" .. x))
    end
  end)

  it("keep the digits that a format asks for, even Lua's own 14", function()
    assert.equal("0.3|       0.3|0.3", string.format("%.14g|%10.14g|%.3g", 0.1 + 0.2, 0.1 + 0.2, 0.1 + 0.2))
    assert.equal("%.14g 0.3 %.14g%", string.format("%%.14g %.14g %%.14g%%", 0.1 + 0.2))
    assert.equal("0.30000000000000004 1.0 3", string.format("%s %s %s", 0.1 + 0.2, 1.0, 3))
  end)

  it("print NaN without a sign", function()
    assert.equal("nan\tnan\tinf\t-inf\n", printed "print(0 / 0, -(0 / 0), 1 / 0, -1 / 0)")
    assert.equal("nan nan", printed "io.write(string.format('%.3f %g', 0 / 0, -(0 / 0)))")
  end)

  -- Known values, correct to the last digit or the one before it.
  it("have the runtime's functions, and ^ is one of them", function()
    local cases = { { math.exp(1), 2.718281828459045 }, { math.log(2), 0.6931471805599453 },
      { math.sin(1), 0.8414709848078965 }, { math.cos(1), 0.5403023058681398 }, { math.tan(1), 1.5574077246549023 },
      { math.atan(1), 0.7853981633974483 }, { math.asin(0.5), 0.5235987755982989 },
      { math.acos(0.5), 1.0471975511965979 }, { 3 ^ 0.37, 1.5015329408178104 }, { 10 ^ -3, 0.001 }, { 2 ^ 10, 1024 } }
    for i, case in ipairs(cases) do
      assert.truthy(math.abs(case[1] - case[2]) <= 4e-16 * math.abs(case[2]), "case " .. i .. ": " .. case[1])
    end
    assert.equal(3, math.log(8, 2))
    assert.equal(-2, math.log(0.01, 10))
    for _, x in ipairs { 0.3, 3, 1e10, 1e-300 } do
      assert.equal((tensor(x, { dtype = "float64" }) ^ 0.37):item(), x ^ 0.37)
    end
    assert.truthy(math.atan(-1, -1) < -2.35)
  end)

  it("take ^ from the command's own pow, not the C library's", function()
    local own = io.popen("nm -D --defined-only " .. command.quote(command.path) .. " 2>/dev/null", "r")
    local text = own:read "a"
    own:close()
    if text == "" then return end -- without binutils
    assert.matches(" T pow\n", text)
    assert.matches(" T snprintf\n", text)
  end)
end)

describe("math.random", function()
  it("depends on the seed alone", function()
    local code = "print(math.random(), math.random(10), math.random(-3, 3), math.random(0))"
    local plain = printed(code)
    assert.equal(plain, command.run({ "--seed", "0", "-e", code }).out)
    assert.not_equal(plain, command.run({ "--seed", "1", "-e", code }).out)
    assert.equal(command.run({ "--seed", "5", "-e", code }).out, printed("math.randomseed(5) " .. code))
  end)

  it("is uniform and stays in range", function()
    math.randomseed(3)
    local counts, sum = {}, 0
    for _ = 1, 6000 do
      local k = math.random(6)
      counts[k] = (counts[k] or 0) + 1
      local u = math.random()
      assert.truthy(u >= 0 and u < 1)
      sum = sum + u
    end
    assert.equal(6, #counts)
    for k = 1, 6 do assert.truthy(math.abs(counts[k] - 1000) < 150) end
    assert.truthy(math.abs(sum / 6000 - 0.5) < 0.02)
    for _ = 1, 100 do
      local v = math.random(math.mininteger, math.maxinteger)
      assert.equal("integer", math.type(v))
    end
  end)

  it("takes both parts of a seed, which are finite", function()
    local function first(...)
      math.randomseed(...)
      return math.random(0)
    end
    assert.equal(first(7), first(7, 0))
    assert.equal(first(7, 1), first(7, 1))
    assert.not_equal(first(7), first(7, 1))
    assert.not_equal(first(7, 1), first(7, 2))
    assert.equal(first(7), first(7.5))
    for _, bad in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
      assert.has_error(function() math.randomseed(bad) end)
      assert.has_error(function() math.randomseed(1, bad) end)
    end
  end)

  it("refuses an empty interval and a seed from the clock", function()
    assert.has_error(function() math.random(0, -1) end)
    assert.has_error(function() math.randomseed() end)
  end)
end)

describe("text", function()
  it("holds no addresses", function()
    local out = printed [[
      print({}, print, io.stdout, coroutine.create(print))
      print(string.format("%s %s %s", {}, print, io.stdout), setmetatable({}, { __name = "thing" }))]]
    assert.falsy(out:find "0x")
    assert.matches("^table: 1\tfunction: 2\tfile\tthread: 3\ntable: 4 function: 2 file\tthing: 5\n$", out)
  end)

  it("holds none of light userdata, of uncaught values or of errors", function()
    local out = printed [[
      local up = 1
      local function f() return up end
      print(debug.upvalueid(f, 1), string.format("%s", debug.upvalueid(f, 1)))
      print(select(2, pcall(error, {})), select(2, pcall(function() return {} < {} end)))
      print(debug.traceback("here"), tostring(coroutine.running()))]]
    assert.falsy(out:find "0x")
    assert.matches("^userdata: 1\tuserdata: 1\n", out)
    for _, value in ipairs { "{}", "print", "setmetatable({}, { __name = 'thing' })", "io.stdout" } do
      local result = command.code("error(" .. value .. ")")
      assert.equal(1, result.code)
      assert.falsy(result.err:find "0x")
    end
  end)

  it("keeps one serial number for one object", function()
    local t = {}
    assert.equal(tostring(t), tostring(t))
    assert.not_equal(tostring(t), tostring {})
  end)

  it("refuses %p and leaves the other conversions alone", function()
    assert.has_error(function() return string.format("%p", {}) end)
    assert.equal("a 7 1.50 100% \"q\"", string.format("%s %d %.2f %d%% %q", "a", 7, 1.5, 100, "q"))
    assert.has_error(function() return string.format("%d", {}) end)
  end)

  it("keeps the locale", function()
    assert.equal("C", os.setlocale())
    assert.is_nil(os.setlocale "de_DE.UTF-8")
  end)
end)
