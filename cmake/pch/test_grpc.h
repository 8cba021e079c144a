// Precompiled for tests that run a server or a client: grpc.h and GoogleTest.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc.h"
