// Three C functions over ExecuTorch's module, for the tests that run the classifier on the host. Built by tools/shim.py.
#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <cstring>
#include <memory>
#include <vector>

using executorch::aten::SizesType;
using executorch::extension::Module;
using executorch::runtime::Error;

extern "C" {

void* smldist_load(const char* path) {
  auto module = std::make_unique<Module>(path);
  return module->load_forward() == Error::Ok ? module.release() : nullptr;
}

// count: room in output before the call, scores after it. Returns 0, the runtime's error, or -1 for too little room.
int smldist_forward(void* handle, float* input, const int* shape, int axes, float* output, int* count) {
  auto tensor = executorch::extension::from_blob(input, std::vector<SizesType>(shape, shape + axes));
  auto result = static_cast<Module*>(handle)->forward(tensor);
  if (!result.ok()) return static_cast<int>(result.error());
  auto scores = result->at(0).toTensor();
  if (scores.numel() > *count) return -1;
  *count = static_cast<int>(scores.numel());
  std::memcpy(output, scores.const_data_ptr<float>(), scores.numel() * sizeof(float));
  return 0;
}

void smldist_close(void* handle) { delete static_cast<Module*>(handle); }
}
