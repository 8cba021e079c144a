// Loaded before the C library's own: notes what a program syncs below $DML_POWER_LOSS_ROOT, in the
// store $DML_POWER_LOSS_STORE (durable_tree.h). What it does not sync is lost when the power is.
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

#include "tests/support/power_loss/durable_tree.h"

namespace {

void Note(int fd) {
  const char* root = std::getenv("DML_POWER_LOSS_ROOT");
  const char* store = std::getenv("DML_POWER_LOSS_STORE");
  if (root == nullptr || store == nullptr) return;
  std::error_code error;
  const std::filesystem::path path =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
  if (!error && path.string().starts_with(root)) dml::testing::RecordSynced(store, path);
}

int CallNext(const char* name, int fd) {
  using Sync = int (*)(int);
  const auto next = reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, name));
  const int result = next(fd);
  if (result == 0) Note(fd);
  return result;
}

}  // namespace

extern "C" int fsync(int fd) { return CallNext("fsync", fd); }
extern "C" int fdatasync(int fd) { return CallNext("fdatasync", fd); }
