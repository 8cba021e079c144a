#include "core/wire/api.h"

namespace dml::wire {
namespace {
constexpr ErrorReason kNameInvalid("NAME_INVALID");
}

std::string NamespaceResource(std::string_view ns) { return fmt::format("namespaces/{}", ns); }
std::string KeyResource(const Digest& id) { return fmt::format("keys/{}", id.hex()); }
std::string EnvironmentResource(std::string_view name) {
  return fmt::format("environments/{}", name);
}
std::string NodeResource(std::string_view environment, std::string_view node) {
  return fmt::format("environments/{}/nodes/{}", environment, node);
}

absl::StatusOr<std::string> ParseResource(std::string_view name, std::string_view collection) {
  if (name.size() <= collection.size() + 1 || !name.starts_with(collection) ||
      name[collection.size()] != '/') {
    return InvalidArgument(kNameInvalid, "'{}' is not the name of one of the {}: expected {}/...",
                           name.substr(0, 200), collection, collection);
  }
  return std::string(name.substr(collection.size() + 1));
}

absl::StatusOr<Digest> ParseKeyResource(std::string_view name) {
  DML_ASSIGN_OR_RETURN(std::string hex, ParseResource(name, "keys"));
  return Digest::Parse("sha256:" + hex);
}

absl::StatusOr<std::pair<std::string, std::string>> ParseNodeResource(std::string_view name) {
  DML_ASSIGN_OR_RETURN(std::string rest, ParseResource(name, "environments"));
  size_t at = rest.rfind("/nodes/");
  if (at == std::string::npos) {
    return InvalidArgument(kNameInvalid, "'{}' is no node: expected environments/E/nodes/N",
                           name.substr(0, 200));
  }
  return std::pair{rest.substr(0, at), rest.substr(at + 7)};
}

absl::StatusOr<PackageName> ParsePackageResource(std::string_view name) {
  DML_ASSIGN_OR_RETURN(std::string rest, ParseResource(name, "packages"));
  return PackageName::Parse(rest);
}

}  // namespace dml::wire
