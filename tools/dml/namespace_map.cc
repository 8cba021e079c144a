#include "tools/dml/namespace_map.h"

#include "tools/dml/arguments.h"
#include "tools/dml/command.h"

namespace dml {

void DeclareNamespaceMap(CLI::App& app, NamespaceMapArgs& args) {
  AddRepeated(app, "--map", args.maps,
              "Where packages are, by ecosystem (OSV) or type of purl: Debian:12=debian, npm=npm")
      ->type_name("FROM=NAMESPACE");
  app.add_option("--namespace", args.ns, "Where all others are; if left out, they are not mapped");
}

absl::StatusOr<NamespaceMap> ReadNamespaceMap(const NamespaceMapArgs& args) {
  constexpr ErrorReason kInvalid("ARGUMENT_INVALID");
  NamespaceMap out;
  for (const std::string& map : args.maps) {
    const size_t equals = map.rfind('=');
    if (equals == 0 || equals == std::string::npos) {
      return InvalidArgument(kInvalid, "--map {}: expected FROM=NAMESPACE", map);
    }
    const std::string ns = map.substr(equals + 1);
    const absl::Status valid = ValidateNamespace(ns);
    if (!valid.ok()) return Annotate(valid, "--map " + map);
    out.namespaces[map.substr(0, equals)] = ns;
  }
  if (!args.ns.empty()) DML_RETURN_IF_ERROR(ValidateNamespace(args.ns));
  if (out.namespaces.empty() && args.ns.empty()) {
    return InvalidArgument(kInvalid,
                           "give --map or --namespace: the packages are in some namespace here");
  }
  out.fallback = args.ns;
  return out;
}

}  // namespace dml
