-- In the source tree: luarocks make interp/package/lamina-0.1.0-1.rockspec
-- Builds the module for a stock Lua 5.4 with CMake; libsodium, jansson, libpng and zlib must be there to build with.
rockspec_format = "3.0"
package = "lamina"
version = "0.1.0-1"
source = { url = "file://.", dir = "." }
description = {
  summary = "Models of sensory cortex: tensors, layers, automatic differentiation, analysis",
  detailed = [[
Every word of Lamina as a field of require "lamina". Results are labelled close: the arithmetic of a stock Lua differs
between machines; under the command `lamina` they are the same bits everywhere.]],
  license = "MIT",
}
dependencies = { "lua ~> 5.4" }
external_dependencies = {
  SODIUM = { header = "sodium.h" },
  JANSSON = { header = "jansson.h" },
  PNG = { header = "png.h" },
  ZLIB = { header = "zlib.h" },
}
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    LAMINA_LUA_DIR = "$(LIBDIR)",
    LAMINA_TESTS = "OFF",
    LAMINA_ROCK = "ON",
  },
}
