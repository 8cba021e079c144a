// The library that speaks for a token, and sessions with a token (PKCS #11 2.40). Internal to
// core/crypto: nobody else includes this.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <p11-kit/pkcs11.h>

#include "core/base/status.h"
#include "core/crypto/pkcs11_uri.h"

namespace dml {

/// "C_Login: CKR_PIN_INCORRECT", "C_Sign: error 0x80000001".
std::string DescribePkcs11Error(std::string_view call, CK_RV code);

/// A module, loaded and initialized until it is destroyed. Any thread may call its functions: it
/// was told to lock (CKF_OS_LOCKING_OK).
class Pkcs11Module {
 public:
  /// FAILED_PRECONDITION (PKCS11_MODULE_UNUSABLE) where the file is no such library, or it does not
  /// start.
  static absl::StatusOr<std::shared_ptr<Pkcs11Module>> Load(const std::string& path);
  ~Pkcs11Module();
  Pkcs11Module(const Pkcs11Module&) = delete;
  Pkcs11Module& operator=(const Pkcs11Module&) = delete;

  const CK_FUNCTION_LIST& functions() const { return *functions_; }

  struct Token {
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
  };
  /// The one token that the URI means: NOT_FOUND (PKCS11_TOKEN_NOT_FOUND), INVALID_ARGUMENT
  /// (PKCS11_TOKEN_AMBIGUOUS).
  absl::StatusOr<Token> FindToken(const Pkcs11Uri& uri) const;
  /// FAILED_PRECONDITION (PKCS11_MECHANISM_MISSING) where the token does not have it for `use`
  /// (CKF_SIGN, CKF_GENERATE_KEY_PAIR).
  absl::Status RequireMechanism(const Token& token, CK_MECHANISM_TYPE mechanism, CK_FLAGS use,
                                std::string_view name) const;

 private:
  explicit Pkcs11Module(void* library) : library_(library) {}
  absl::StatusOr<std::vector<Token>> ListTokens() const;

  void* const library_;
  CK_FUNCTION_LIST* functions_ = nullptr;
  bool initialized_ = false;  // By this object: only then it is its to finalize.
};

/// One session, closed when it is destroyed. A token logs out when the last one is closed. One
/// thread at a time.
class Pkcs11Session {
 public:
  using Token = Pkcs11Module::Token;
  /// FAILED_PRECONDITION (PKCS11_SESSION_FAILED) where the token opens none.
  static absl::StatusOr<std::unique_ptr<Pkcs11Session>> Open(std::shared_ptr<Pkcs11Module> module,
                                                             const Token& token, bool writable);
  ~Pkcs11Session();
  Pkcs11Session(const Pkcs11Session&) = delete;
  Pkcs11Session& operator=(const Pkcs11Session&) = delete;

  const CK_FUNCTION_LIST& functions() const { return module_->functions(); }
  CK_SESSION_HANDLE handle() const { return handle_; }

  /// Logs the user in, where the token wants that, in one try: a token locks itself after a few
  /// wrong ones. FAILED_PRECONDITION: PKCS11_PIN_REQUIRED, PKCS11_PIN_LOCKED, PKCS11_PIN_LAST_TRY
  /// (a wrong one now would lock it; not tried). PERMISSION_DENIED (PKCS11_PIN_WRONG).
  absl::Status Login(const Token& token, const std::optional<std::string>& pin);

  /// At most `max` objects that match.
  absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> Find(std::span<const CK_ATTRIBUTE> match,
                                                     size_t max) const;
  /// A value of at most 4 KiB; NOT_FOUND (PKCS11_ATTRIBUTE_MISSING).
  absl::StatusOr<std::string> Attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

 private:
  Pkcs11Session(std::shared_ptr<Pkcs11Module> module, CK_SESSION_HANDLE handle)
      : module_(std::move(module)), handle_(handle) {}

  const std::shared_ptr<Pkcs11Module> module_;
  const CK_SESSION_HANDLE handle_;
};

}  // namespace dml
