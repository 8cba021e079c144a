#include "core/crypto/pkcs11_module.h"

#include <algorithm>
#include <dlfcn.h>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr CK_ULONG kMaxSlots = 1024;
constexpr CK_ULONG kMaxMechanisms = 4096;
constexpr CK_ULONG kMaxAttributeBytes = 4096;

struct ErrorName {
  CK_RV code;
  std::string_view name;
};
constexpr ErrorName kErrorNames[] = {
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD"},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID"},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID"},
    {CKR_CANT_LOCK, "CKR_CANT_LOCK"},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"},
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY"},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED"},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT"},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID"},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED"},
    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT"},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID"},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT"},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED"},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN"},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED"},
};

absl::Status Unusable(const std::string& path, std::string_view why) {
  return FailedPrecondition(ErrorReason("PKCS11_MODULE_UNUSABLE"),
                            "{} cannot be used as a PKCS #11 module: {}; check module-path, and "
                            "whether its package is installed",
                            path, why);
}

// A field of CK_TOKEN_INFO: padded with blanks, not ended.
template <size_t size>
bool Matches(const std::optional<std::string>& wanted, const unsigned char (&field)[size]) {
  if (!wanted.has_value()) return true;
  std::string_view text(reinterpret_cast<const char*>(field), size);
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  return *wanted == text;
}

template <size_t size>
std::string FieldText(const unsigned char (&field)[size]) {
  std::string_view text(reinterpret_cast<const char*>(field), size);
  return Excerpt(text.substr(0, text.find_last_not_of(' ') + 1));
}

bool Matches(const Pkcs11Uri& uri, const Pkcs11Module::Token& token) {
  return (!uri.slot_id.has_value() || *uri.slot_id == token.slot) &&
         Matches(uri.token, token.info.label) && Matches(uri.serial, token.info.serialNumber) &&
         Matches(uri.manufacturer, token.info.manufacturerID) &&
         Matches(uri.model, token.info.model);
}

}  // namespace

std::string DescribePkcs11Error(std::string_view call, CK_RV code) {
  for (const ErrorName& error : kErrorNames) {
    if (error.code == code) return fmt::format("{}: {}", call, error.name);
  }
  return fmt::format("{}: error {:#x}", call, code);
}

absl::StatusOr<std::shared_ptr<Pkcs11Module>> Pkcs11Module::Load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* error = ::dlerror();
    return Unusable(path, error != nullptr ? error : "it cannot be loaded");
  }
  std::shared_ptr<Pkcs11Module> module(new Pkcs11Module(library));
  auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  if (get == nullptr) return Unusable(path, "it has no C_GetFunctionList");
  CK_RV code = get(&module->functions_);
  if (code != CKR_OK || module->functions_ == nullptr) {
    return Unusable(path, DescribePkcs11Error("C_GetFunctionList", code));
  }
  CK_C_INITIALIZE_ARGS args{};
  args.flags = CKF_OS_LOCKING_OK;
  code = module->functions_->C_Initialize(&args);
  module->initialized_ = code == CKR_OK;
  if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    return Unusable(path, DescribePkcs11Error("C_Initialize", code));
  }
  return module;
}

Pkcs11Module::~Pkcs11Module() {
  if (initialized_) functions_->C_Finalize(nullptr);
  ::dlclose(library_);
}

absl::StatusOr<std::vector<Pkcs11Module::Token>> Pkcs11Module::ListTokens() const {
  std::vector<CK_SLOT_ID> slots(kMaxSlots);
  CK_ULONG count = slots.size();
  CK_RV code = functions_->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (code != CKR_OK) {
    return FailedPrecondition(ErrorReason("PKCS11_SESSION_FAILED"),
                              "the tokens cannot be listed: {}",
                              DescribePkcs11Error("C_GetSlotList", code));
  }
  slots.resize(std::min<CK_ULONG>(count, kMaxSlots));
  std::vector<Token> out;
  for (CK_SLOT_ID slot : slots) {
    Token token{slot, {}};
    // One that was taken out meanwhile is not there.
    if (functions_->C_GetTokenInfo(slot, &token.info) != CKR_OK) continue;
    if ((token.info.flags & CKF_TOKEN_INITIALIZED) != 0) out.push_back(token);
  }
  return out;
}

absl::StatusOr<Pkcs11Module::Token> Pkcs11Module::FindToken(const Pkcs11Uri& uri) const {
  DML_ASSIGN_OR_RETURN(std::vector<Token> tokens, ListTokens());
  std::vector<Token> found;
  std::string labels;
  for (const Token& token : tokens) {
    if (Matches(uri, token)) found.push_back(token);
    labels += fmt::format("{}'{}'", labels.empty() ? "" : ", ", FieldText(token.info.label));
  }
  if (found.empty()) {
    return NotFound(ErrorReason("PKCS11_TOKEN_NOT_FOUND"),
                    "no token is {}; there is {}; is it plugged in?", DescribePkcs11Uri(uri),
                    labels.empty() ? "none" : labels);
  }
  if (found.size() > 1) {
    return InvalidArgument(ErrorReason("PKCS11_TOKEN_AMBIGUOUS"),
                           "{} tokens are {}; add its token=LABEL or serial=NUMBER", found.size(),
                           DescribePkcs11Uri(uri));
  }
  return found[0];
}

absl::Status Pkcs11Module::RequireMechanism(const Token& token, CK_MECHANISM_TYPE mechanism,
                                            CK_FLAGS use, std::string_view name) const {
  std::vector<CK_MECHANISM_TYPE> listed(kMaxMechanisms);
  CK_ULONG count = listed.size();
  CK_MECHANISM_INFO info{};
  // Some modules tell about mechanisms that the token is configured not to have.
  if (functions_->C_GetMechanismList(token.slot, listed.data(), &count) == CKR_OK &&
      std::ranges::count(std::span(listed).first(std::min<size_t>(count, listed.size())),
                         mechanism) > 0 &&
      functions_->C_GetMechanismInfo(token.slot, mechanism, &info) == CKR_OK &&
      (info.flags & use) != 0) {
    return absl::OkStatus();
  }
  return FailedPrecondition(ErrorReason("PKCS11_MECHANISM_MISSING"),
                            "token '{}' does not have {}; use a key of another algorithm, "
                            "ecdsa-p256 being the most common",
                            FieldText(token.info.label), name);
}

absl::StatusOr<std::unique_ptr<Pkcs11Session>> Pkcs11Session::Open(
    std::shared_ptr<Pkcs11Module> module, const Token& token, bool writable) {
  CK_SESSION_HANDLE handle = 0;
  const CK_FLAGS flags = CKF_SERIAL_SESSION | (writable ? CKF_RW_SESSION : 0);
  const CK_RV code =
      module->functions().C_OpenSession(token.slot, flags, nullptr, nullptr, &handle);
  if (code != CKR_OK) {
    return FailedPrecondition(ErrorReason("PKCS11_SESSION_FAILED"),
                              "token '{}' opens no session: {}", FieldText(token.info.label),
                              DescribePkcs11Error("C_OpenSession", code));
  }
  return std::unique_ptr<Pkcs11Session>(new Pkcs11Session(std::move(module), handle));
}

Pkcs11Session::~Pkcs11Session() { functions().C_CloseSession(handle_); }

absl::Status Pkcs11Session::Login(const Token& token, const std::optional<std::string>& pin) {
  const CK_FLAGS flags = token.info.flags;
  if ((flags & CKF_LOGIN_REQUIRED) == 0) return absl::OkStatus();
  const std::string label = FieldText(token.info.label);
  auto locked = [&] {
    return FailedPrecondition(ErrorReason("PKCS11_PIN_LOCKED"),
                              "the PIN of token '{}' is locked after wrong tries; its security "
                              "officer can set a new one",
                              label);
  };
  if ((flags & CKF_USER_PIN_LOCKED) != 0) return locked();
  if (!pin.has_value() && (flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0) {
    return FailedPrecondition(ErrorReason("PKCS11_PIN_REQUIRED"),
                              "token '{}' wants its PIN; add pin-source=file:/PATH after '?'",
                              label);
  }
  if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
    return FailedPrecondition(ErrorReason("PKCS11_PIN_LAST_TRY"),
                              "token '{}' locks itself at the next wrong PIN, so none was tried; "
                              "log in once with the token's own program first",
                              label);
  }
  auto* text = pin.has_value() ? reinterpret_cast<CK_UTF8CHAR*>(const_cast<char*>(pin->data()))
                               : nullptr;  // Typed at the token itself.
  const CK_RV code =
      functions().C_Login(handle_, CKU_USER, text, pin.has_value() ? pin->size() : 0);
  switch (code) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN:  // Through another session of this process.
      return absl::OkStatus();
    case CKR_PIN_LOCKED:
      return locked();
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
      return PermissionDenied(ErrorReason("PKCS11_PIN_WRONG"),
                              "token '{}' refuses the PIN; it was tried once, and each wrong try "
                              "brings the token nearer to locking itself",
                              label);
    default:
      return FailedPrecondition(ErrorReason("PKCS11_LOGIN_FAILED"),
                                "token '{}' cannot be logged in to: {}", label,
                                DescribePkcs11Error("C_Login", code));
  }
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> Pkcs11Session::Find(
    std::span<const CK_ATTRIBUTE> match, size_t max) const {
  std::vector<CK_OBJECT_HANDLE> out(max);
  CK_ULONG count = 0;
  CK_RV code =
      functions().C_FindObjectsInit(handle_, const_cast<CK_ATTRIBUTE*>(match.data()), match.size());
  if (code == CKR_OK) {
    code = functions().C_FindObjects(handle_, out.data(), max, &count);
    functions().C_FindObjectsFinal(handle_);
  }
  if (code != CKR_OK) {
    return FailedPrecondition(ErrorReason("PKCS11_SESSION_FAILED"),
                              "the token's keys cannot be found: {}",
                              DescribePkcs11Error("C_FindObjects", code));
  }
  out.resize(std::min<size_t>(count, max));
  return out;
}

absl::StatusOr<std::string> Pkcs11Session::Attribute(CK_OBJECT_HANDLE object,
                                                     CK_ATTRIBUTE_TYPE type) const {
  std::string value(kMaxAttributeBytes, '\0');
  CK_ATTRIBUTE attribute{type, value.data(), value.size()};
  const CK_RV code = functions().C_GetAttributeValue(handle_, object, &attribute, 1);
  if (code != CKR_OK || attribute.ulValueLen > value.size()) {
    return NotFound(ErrorReason("PKCS11_ATTRIBUTE_MISSING"),
                    "the token does not tell attribute {:#x} of the key: {}", type,
                    DescribePkcs11Error("C_GetAttributeValue", code));
  }
  value.resize(attribute.ulValueLen);
  return value;
}

}  // namespace dml
