#include "tools/import/csaf_products.h"

#include "core/base/text.h"

namespace dml {
namespace {

using advisory_import::kInvalid;
using advisory_import::kMaxItems;
using advisory_import::List;
using advisory_import::Object;
using advisory_import::Text;
using nlohmann::json;

class TreeReader {
 public:
  absl::StatusOr<std::map<std::string, CsafProduct>> Read(const json& tree) {
    DML_RETURN_IF_ERROR(ReadBranches(tree));
    DML_ASSIGN_OR_RETURN(const json* names, List(tree, "full_product_names"));
    for (const json& item : *names) {
      DML_RETURN_IF_ERROR(AtField(AddProduct(item, std::nullopt), "full_product_names"));
    }
    DML_ASSIGN_OR_RETURN(const json* relationships, List(tree, "relationships"));
    for (const json& item : *relationships) {
      DML_RETURN_IF_ERROR(AtField(ReadRelationship(item), "relationships"));
    }
    return std::move(out_);
  }

 private:
  // The depth of a document is limited, and so is this recursion.
  absl::Status ReadBranches(const json& parent) {
    DML_ASSIGN_OR_RETURN(const json* branches, List(parent, "branches"));
    for (const json& branch : *branches) {
      if (!branch.is_object()) {
        return AtField(InvalidArgument(kInvalid, "expected objects"), "branches");
      }
      DML_ASSIGN_OR_RETURN(const std::string category, Text(branch, "category"));
      DML_ASSIGN_OR_RETURN(const std::string name, Text(branch, "name"));
      std::optional<std::string> range;
      if (category == "product_version_range") range = name;
      if (branch.contains("product")) {
        DML_RETURN_IF_ERROR(AtField(AddProduct(branch["product"], range), "branches"));
      }
      DML_RETURN_IF_ERROR(AtField(ReadBranches(branch), "branches"));
    }
    return absl::OkStatus();
  }

  absl::Status AddProduct(const json& product, std::optional<std::string> range) {
    if (!product.is_object()) return InvalidArgument(kInvalid, "expected an object");
    DML_ASSIGN_OR_RETURN(const std::string id, Text(product, "product_id"));
    if (id.empty()) return InvalidArgument(kInvalid, "a product needs a product_id");
    CsafProduct out;
    out.range = std::move(range);
    DML_ASSIGN_OR_RETURN(out.name, Text(product, "name"));
    DML_ASSIGN_OR_RETURN(const json* helper, Object(product, "product_identification_helper"));
    DML_ASSIGN_OR_RETURN(const std::string purl, Text(*helper, "purl"));
    if (!purl.empty()) {
      if (auto parsed = Purl::Parse(purl); parsed.ok()) out.purl = *std::move(parsed);
    }
    return Add(id, std::move(out));
  }

  // "openssl as a component of RHEL 9" is openssl.
  absl::Status ReadRelationship(const json& item) {
    if (!item.is_object()) return InvalidArgument(kInvalid, "expected objects");
    DML_ASSIGN_OR_RETURN(const std::string component, Text(item, "product_reference"));
    DML_ASSIGN_OR_RETURN(const json* whole, Object(item, "full_product_name"));
    DML_ASSIGN_OR_RETURN(const std::string id, Text(*whole, "product_id"));
    if (id.empty()) return InvalidArgument(kInvalid, "a product needs a product_id");
    const auto found = out_.find(component);
    if (found == out_.end()) {
      return InvalidArgument(kInvalid, "'{}' is no product of the tree", Excerpt(component));
    }
    CsafProduct product = found->second;
    DML_ASSIGN_OR_RETURN(product.name, Text(*whole, "name"));
    return Add(id, std::move(product));
  }

  absl::Status Add(const std::string& id, CsafProduct product) {
    if (out_.size() == kMaxItems) {
      return InvalidArgument(kInvalid, "more than {} products", kMaxItems);
    }
    if (out_.emplace(id, std::move(product)).second) return absl::OkStatus();
    return InvalidArgument(kInvalid, "two products have the id '{}'", Excerpt(id));
  }

  std::map<std::string, CsafProduct> out_;
};

}  // namespace

absl::StatusOr<std::map<std::string, CsafProduct>> ReadCsafProducts(const json& tree) {
  return TreeReader().Read(tree);
}

}  // namespace dml
