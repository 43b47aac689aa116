// The Torch headers that are compiled once for all. Files still include what they use.
#pragma once

#include <torch/script.h>
