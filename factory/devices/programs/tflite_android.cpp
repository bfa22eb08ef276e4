// TensorFlow Lite as an Android app has it: libtensorflowlite_jni.so of the AAR, unmodified, by its C interface, with
// XNNPACK on one thread, which is what the app's Interpreter uses.

#include <dlfcn.h>

#include <stdexcept>

#include "runner.h"

// Android keeps a stack guard 0x28 bytes behind the thread pointer; this is what lies there on glibc.
__thread volatile char guard[256] __attribute__((aligned(16)));

namespace smldist {
namespace {

struct XnnpackOptions {
  int threads;
  char others[252];  // more than any release has
};

template <typename Function>
Function* find(void* library, const char* name) {
  const auto found = reinterpret_cast<Function*>(dlsym(library, name));
  if (!found) throw std::runtime_error(std::string("the library has no ") + name);
  return found;
}

void* library() {
  static void* const opened = dlopen("libtensorflowlite_jni.so", RTLD_NOW);
  if (!opened) throw std::runtime_error(dlerror());
  return opened;
}

template <typename T>
T must(const char* step, T value) {
  if (!value) throw std::runtime_error(std::string(step) + " failed in TensorFlow Lite");
  return value;
}

void succeed(const char* step, int status) {
  if (status) throw std::runtime_error(std::string(step) + " failed with status " + std::to_string(status));
}

class Android final : public Model {
 public:
  explicit Android(const char* path) {
    guard[0] = 0;
    void* const lib = library();
    const auto model = must("loading", find<void*(const char*)>(lib, "TfLiteModelCreateFromFile")(path));
    const auto options = must("making options", find<void*()>(lib, "TfLiteInterpreterOptionsCreate")());
    find<void(void*, int)>(lib, "TfLiteInterpreterOptionsSetNumThreads")(options, 1);
    auto xnnpack = find<XnnpackOptions()>(lib, "TfLiteXNNPackDelegateOptionsDefault")();
    xnnpack.threads = 1;
    const auto delegate =
        must("making XNNPACK", find<void*(const XnnpackOptions*)>(lib, "TfLiteXNNPackDelegateCreate")(&xnnpack));
    find<void(void*, void*)>(lib, "TfLiteInterpreterOptionsAddDelegate")(options, delegate);
    interpreter_ = must("making an interpreter", find<void*(void*, void*)>(lib, "TfLiteInterpreterCreate")(model, options));
    succeed("allocating", find<int(void*)>(lib, "TfLiteInterpreterAllocateTensors")(interpreter_));
    input_ = must("reading the input", find<void*(void*, int)>(lib, "TfLiteInterpreterGetInputTensor")(interpreter_, 0));
    output_ = must("reading the output", find<void*(void*, int)>(lib, "TfLiteInterpreterGetOutputTensor")(interpreter_, 0));
    const auto size = find<size_t(void*)>(lib, "TfLiteTensorByteSize");
    given_ = size(input_), answered_ = size(output_);
    invoke_ = find<int(void*)>(lib, "TfLiteInterpreterInvoke");
    put_ = find<int(void*, const void*, size_t)>(lib, "TfLiteTensorCopyFromBuffer");
    take_ = find<int(void*, void*, size_t)>(lib, "TfLiteTensorCopyToBuffer");
  }

  size_t inputs() const override { return given_ / sizeof(float); }
  size_t outputs() const override { return answered_ / sizeof(float); }
  void set(const float* window) override { succeed("giving a window", put_(input_, window, given_)); }
  void invoke() override { succeed("running", invoke_(interpreter_)); }
  void get(float* logits) override { succeed("taking logits", take_(output_, logits, answered_)); }

 private:
  void *interpreter_ = nullptr, *input_ = nullptr, *output_ = nullptr;
  size_t given_ = 0, answered_ = 0;
  int (*invoke_)(void*) = nullptr;
  int (*put_)(void*, const void*, size_t) = nullptr;
  int (*take_)(void*, void*, size_t) = nullptr;
};

}  // namespace

std::unique_ptr<Model> open_model(const char* path) { return std::make_unique<Android>(path); }

std::string runtime_version() {
  return std::string("TensorFlow Lite ") + find<const char*()>(library(), "TfLiteVersion")() + " for Android";
}

}  // namespace smldist
