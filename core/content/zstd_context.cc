#include "core/content/zstd_context.h"

#include <cstdlib>
#include <memory>

namespace dml {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

template <typename Context>
Context* OrAbort(const std::unique_ptr<Context, FreeContext>& context) {
  if (context == nullptr) std::abort();  // Out of memory.
  return context.get();
}

}  // namespace

ZSTD_CCtx* ThreadCompressor() {
  static thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  return OrAbort(context);
}

ZSTD_DCtx* ThreadDecompressor() {
  static thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return OrAbort(context);
}

}  // namespace dml
