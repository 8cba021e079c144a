#include "tests/support/fake_token/fake_token.h"

#include <cstring>
#include <string_view>

#include <p11-kit/pkcs11.h>

namespace {

using dml::testing::FakeToken;

FakeToken state;
CK_OBJECT_CLASS searched = 0;  // By the search under way; 0: nothing is left.

constexpr CK_OBJECT_HANDLE kPrivate = 1;
constexpr CK_OBJECT_HANDLE kPublic = 2;

CK_RV Initialize(void*) {
  if (state.initialized > state.finalized) return CKR_CRYPTOKI_ALREADY_INITIALIZED;
  ++state.initialized;
  return CKR_OK;
}
CK_RV Finalize(void*) {
  ++state.finalized;
  return CKR_OK;
}
CK_RV GetSlotList(CK_BBOOL, CK_SLOT_ID* slots, CK_ULONG* count) {
  slots[0] = 1;
  *count = 1;
  return CKR_OK;
}
CK_RV GetTokenInfo(CK_SLOT_ID, CK_TOKEN_INFO* info) {
  std::memset(info, ' ', sizeof *info);
  std::memcpy(info->label, "fake", 4);
  info->flags = state.flags | CKF_TOKEN_INITIALIZED;
  return CKR_OK;
}
CK_RV GetMechanismList(CK_SLOT_ID, CK_MECHANISM_TYPE* list, CK_ULONG* count) {
  list[0] = CKM_ECDSA;
  *count = 1;
  return CKR_OK;
}
CK_RV GetMechanismInfo(CK_SLOT_ID, CK_MECHANISM_TYPE, CK_MECHANISM_INFO* info) {
  *info = {256, 256, CKF_SIGN};
  return CKR_OK;
}
CK_RV OpenSession(CK_SLOT_ID, CK_FLAGS, void*, CK_NOTIFY, CK_SESSION_HANDLE* session) {
  *session = static_cast<CK_SESSION_HANDLE>(++state.open_sessions);
  return CKR_OK;
}
CK_RV CloseSession(CK_SESSION_HANDLE) {
  --state.open_sessions;
  return CKR_OK;
}
CK_RV Login(CK_SESSION_HANDLE, CK_USER_TYPE, CK_BYTE* pin, CK_ULONG) {
  ++state.logins;
  state.last_login_had_pin = pin != nullptr;
  return state.login_result;
}
CK_RV FindObjectsInit(CK_SESSION_HANDLE, CK_ATTRIBUTE* match, CK_ULONG count) {
  searched = 0;
  for (CK_ULONG i = 0; i < count; ++i) {
    const std::string_view value(static_cast<const char*>(match[i].pValue), match[i].ulValueLen);
    if (match[i].type == CKA_CLASS) std::memcpy(&searched, match[i].pValue, sizeof searched);
    if (match[i].type == CKA_LABEL && value != "O") searched = 0;
    if (match[i].type == CKA_ID && value != "\x01") searched = 0;
  }
  return CKR_OK;
}
CK_RV FindObjects(CK_SESSION_HANDLE, CK_OBJECT_HANDLE* objects, CK_ULONG, CK_ULONG* count) {
  *count = 0;
  if (searched == CKO_PRIVATE_KEY) objects[(*count)++] = kPrivate;
  if (searched == CKO_PUBLIC_KEY && state.has_public_half) objects[(*count)++] = kPublic;
  searched = 0;
  return CKR_OK;
}
CK_RV FindObjectsFinal(CK_SESSION_HANDLE) { return CKR_OK; }

CK_RV GetAttributeValue(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE* attribute, CK_ULONG) {
  const CK_KEY_TYPE key_type = CKK_EC;
  std::string value;
  switch (attribute->type) {
    case CKA_ID:
      value = "\x01";
      break;
    case CKA_KEY_TYPE:
      value.assign(reinterpret_cast<const char*>(&key_type), sizeof key_type);
      break;
    case CKA_EC_PARAMS:
      value = state.ec_params;
      break;
    case CKA_EC_POINT:
      value = state.ec_point;
      break;
    default:
      return CKR_ATTRIBUTE_TYPE_INVALID;
  }
  if (value.size() > attribute->ulValueLen) return CKR_BUFFER_TOO_SMALL;
  std::memcpy(attribute->pValue, value.data(), value.size());
  attribute->ulValueLen = value.size();
  return CKR_OK;
}
CK_RV SignInit(CK_SESSION_HANDLE, CK_MECHANISM*, CK_OBJECT_HANDLE) { return CKR_OK; }
CK_RV Sign(CK_SESSION_HANDLE, CK_BYTE*, CK_ULONG, CK_BYTE* signature, CK_ULONG* size) {
  if (state.signature.size() > *size) return CKR_BUFFER_TOO_SMALL;
  std::memcpy(signature, state.signature.data(), state.signature.size());
  *size = state.signature.size();
  return CKR_OK;
}

CK_FUNCTION_LIST MakeFunctions() {
  CK_FUNCTION_LIST out{};
  out.version = {2, 40};
  out.C_Initialize = Initialize;
  out.C_Finalize = Finalize;
  out.C_GetSlotList = GetSlotList;
  out.C_GetTokenInfo = GetTokenInfo;
  out.C_GetMechanismList = GetMechanismList;
  out.C_GetMechanismInfo = GetMechanismInfo;
  out.C_OpenSession = OpenSession;
  out.C_CloseSession = CloseSession;
  out.C_Login = Login;
  out.C_FindObjectsInit = FindObjectsInit;
  out.C_FindObjects = FindObjects;
  out.C_FindObjectsFinal = FindObjectsFinal;
  out.C_GetAttributeValue = GetAttributeValue;
  out.C_SignInit = SignInit;
  out.C_Sign = Sign;
  return out;
}

}  // namespace

extern "C" CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  static CK_FUNCTION_LIST functions = MakeFunctions();
  *list = &functions;
  return CKR_OK;
}

extern "C" FakeToken* dml_fake_token() { return &state; }
