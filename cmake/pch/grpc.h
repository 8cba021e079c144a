// Precompiled for server and client: base.h and gRPC's own headers.
#pragma once

#include <grpcpp/grpcpp.h>

#include "base.h"
