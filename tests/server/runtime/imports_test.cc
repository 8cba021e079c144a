// What the daemon's program can call at all.
#include <cstring>
#include <elf.h>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/paths.h"

namespace dml {
namespace {

// Names that a 64-bit ELF program takes from libraries.
std::set<std::string> ImportsOf(const std::filesystem::path& program) {
  std::ifstream in(program, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::set<std::string> out;
  Elf64_Ehdr header;
  if (bytes.size() < sizeof header) return out;
  std::memcpy(&header, bytes.data(), sizeof header);
  auto section = [&](size_t index) {
    Elf64_Shdr at{};
    const size_t offset = header.e_shoff + index * header.e_shentsize;
    if (offset + sizeof at <= bytes.size()) std::memcpy(&at, bytes.data() + offset, sizeof at);
    return at;
  };
  for (size_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr symbols = section(i);
    if (symbols.sh_type != SHT_DYNSYM) continue;
    const Elf64_Shdr names = section(symbols.sh_link);
    for (size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, bytes.data() + symbols.sh_offset + at, sizeof symbol);
      if (symbol.st_shndx == SHN_UNDEF) out.insert(bytes.data() + names.sh_offset + symbol.st_name);
    }
  }
  return out;
}

// attack 36: whatever is uploaded, the daemon has no call by which it could run it: no program, no
// library, no script.
TEST(ImportsTest, TheDaemonCanRunNothing) {
  const std::set<std::string> imports = ImportsOf(testing::BinaryDir() / "server/dmld");
  ASSERT_TRUE(imports.contains("memcpy")) << "the names were read";
  for (const char* name :
       {"system", "popen", "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe",
        "fexecve", "fork", "vfork", "posix_spawn", "posix_spawnp", "dlopen", "dlmopen", "dlsym"}) {
    EXPECT_FALSE(imports.contains(name)) << name;
  }
}

}  // namespace
}  // namespace dml
