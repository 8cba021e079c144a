#include "core/compat/nodes_document.h"

#include <set>

#include "core/base/strict_json.h"
#include "core/base/strict_yaml.h"
#include "core/base/text.h"

namespace dml {
namespace {

using nlohmann::json;

constexpr ErrorReason kInvalid("NODES_INVALID");
constexpr size_t kMaxTextBytes = 1024;

class NodesReader {
 public:
  absl::Status ReadNode(const json& value) {
    ObjectReader in(value, kInvalid);
    NodeDescription node;
    node.name = in.String("name", kMaxNodeNameBytes);
    if (node.name.empty() || HasControlCharacters(node.name)) {
      in.Check("name", InvalidArgument(kInvalid, "is empty or has control characters"));
    } else if (!names_.insert(node.name).second) {
      in.Check("name", InvalidArgument(kInvalid,
                                       "'{}' is there twice; give nodes that are alike "
                                       "one name and a count, others their own",
                                       Excerpt(node.name)));
    }
    const std::string platform = in.StringOr("platform", kMaxTextBytes, "");
    if (in.Has("platform")) {
      absl::StatusOr<Platform> parsed = Platform::Parse(platform);
      in.Check("platform", parsed.status());
      if (parsed.ok()) node.platform = *std::move(parsed);
    }
    if (in.Has("count")) {
      node.count = static_cast<uint32_t>(in.Unsigned("count", 1, kMaxNodeCount));
    }
    ReadVariants(in, "runs", node.runs);
    ReadVariants(in, "target", node.target);
    DML_RETURN_IF_ERROR(in.Finish());
    nodes.push_back(std::move(node));
    return absl::OkStatus();
  }

  std::vector<NodeDescription> nodes;

 private:
  static void ReadVariants(ObjectReader& in, std::string_view key, std::vector<VariantName>& out) {
    in.ForEach(key, kMaxVariantsOfNode, [&](const json& value) -> absl::Status {
      DML_ASSIGN_OR_RETURN(const std::string text, JsonText(value, kMaxTextBytes, kInvalid));
      DML_ASSIGN_OR_RETURN(VariantName name, VariantName::Parse(text));
      out.push_back(std::move(name));
      return absl::OkStatus();
    });
  }

  std::set<std::string> names_;
};

absl::StatusOr<std::vector<NodeDescription>> Read(const json& document) {
  ObjectReader in(document, kInvalid);
  NodesReader reader;
  const std::string schema = in.String("schema", kMaxTextBytes);
  if (schema != kNodesSchema) {
    in.Check("schema", InvalidArgument(kInvalid, "schema '{}' is not known here; write '{}'",
                                       Excerpt(schema), kNodesSchema));
  }
  in.ForEach("nodes", kMaxNodeEntries, [&](const json& value) { return reader.ReadNode(value); });
  DML_RETURN_IF_ERROR(in.Finish());
  return std::move(reader.nodes);
}

}  // namespace

absl::StatusOr<std::vector<NodeDescription>> ParseNodesDocument(std::string_view text) {
  absl::StatusOr<YamlDocument> document = ParseStrictYaml(text, kMaxNodesDocumentBytes, kInvalid);
  if (!document.ok()) return Annotate(document.status(), "nodes");
  absl::StatusOr<std::vector<NodeDescription>> nodes = Read(document->value);
  if (!nodes.ok()) return Annotate(document->AtLine(nodes.status()), "nodes");
  return nodes;
}

}  // namespace dml
