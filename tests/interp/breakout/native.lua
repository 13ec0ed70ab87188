-- What native code tries behind the kernel's wall alone (--untrusted=kernel): see native.c. Prints a line per
-- attempt: its name, a tab, 0 or the errno.
local out, home, module = ...
local try = assert(package.loadlib(module, "luaopen_breakout"))()

local attempts = {
  { "fork" }, { "exec", "/bin/true" }, { "inet" }, { "udp" }, { "unix" }, { "netlink" }, { "ptrace" }, { "vm_read" },
  { "signal_parent" }, { "pidfd" }, { "userns" }, { "mount" }, { "chroot" }, { "memfd" }, { "userfault" },
  { "io_uring" }, { "bpf" }, { "perf" }, { "keys" }, { "module" }, { "shm" }, { "personality" }, { "priority" },
  { "shared_memory" }, { "type_into_terminal" }, { "limits" },
  { "read", home .. "/secret.txt" }, { "read", "link.txt" }, { "read", "/etc/passwd" },
  { "read", "/proc/self/environ" },
  { "write", home .. "/new.txt" }, { "write", "new.lua" }, { "truncate", home .. "/secret.txt" },
  { "link", home .. "/secret.txt", out .. "/hard" }, { "rename", home .. "/secret.txt", out .. "/stolen" },
  { "symlink", out .. "/etc" }, { "fifo", out .. "/fifo" }, { "mode", home .. "/spare.txt" },
  { "mode_open", "native.lua" }, { "affinity" },
  { "times", home .. "/spare.txt" }, { "setuid_file", out .. "/suid" }, { "remove", home .. "/spare.txt" },
  { "session" }, { "blind_folder", out .. "/blind" }, { "blind_mask" },
}
for _, attempt in ipairs(attempts) do
  local name = table.concat(attempt, " "):gsub("/%S*/", "")
  print(string.format("%s\t%d", name, try[attempt[1]](table.unpack(attempt, 2))))
end
