// LiteRT's CompiledModel on the CPU (XNNPACK): the C functions of libLiteRt.so, of which the wheel ships no header.

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "runner.h"

extern "C" {
int LiteRtCreateEnvironment(int count, const void* options, void** environment);
int LiteRtCreateModelFromFile(void* environment, const char* path, void** model);
int LiteRtCreateOptions(void** options);
int LiteRtSetOptionsHardwareAccelerators(void* options, int accelerators);
int LiteRtCreateCompiledModel(void* environment, void* model, void* options, void** compiled);
int LiteRtGetModelSignature(void* model, size_t index, void** signature);
int LiteRtGetSignatureInputTensorByIndex(void* signature, size_t index, void** tensor);
int LiteRtGetSignatureOutputTensorByIndex(void* signature, size_t index, void** tensor);
int LiteRtGetRankedTensorType(void* tensor, void* type);
int LiteRtGetCompiledModelInputBufferRequirements(void* compiled, size_t signature, size_t index, void** requirements);
int LiteRtGetCompiledModelOutputBufferRequirements(void* compiled, size_t signature, size_t index, void** requirements);
int LiteRtCreateManagedTensorBufferFromRequirements(void* environment, const void* type, void* requirements, void** buffer);
int LiteRtGetTensorBufferPackedSize(void* buffer, size_t* bytes);
int LiteRtLockTensorBuffer(void* buffer, void** address, int mode);
int LiteRtUnlockTensorBuffer(void* buffer);
int LiteRtRunCompiledModel(void* compiled, size_t signature, size_t inputs, void** input, size_t outputs, void** output);
}

namespace smldist {
namespace {

constexpr int kCpu = 1, kRead = 0, kWrite = 1, kMinLoggerSeverity = 25, kInteger = 2, kError = 3;

// One option of an environment as LiteRT lays it out: a tag and a tagged value.
struct Option {
  int tag;
  struct {
    int type;
    int64_t value;
  } held;
};

void must(const char* step, int status) {
  if (status) throw std::runtime_error(std::string(step) + " failed with LiteRT status " + std::to_string(status));
}

struct Buffer {
  void* handle = nullptr;
  size_t bytes = 0;
};

class LiteRt final : public Model {
 public:
  explicit LiteRt(const char* path) {
    const Option quiet{kMinLoggerSeverity, {kInteger, kError}};
    must("making an environment", LiteRtCreateEnvironment(1, &quiet, &environment_));
    must("loading", LiteRtCreateModelFromFile(environment_, path, &model_));
    must("making options", LiteRtCreateOptions(&options_));
    must("choosing the CPU", LiteRtSetOptionsHardwareAccelerators(options_, kCpu));
    must("compiling", LiteRtCreateCompiledModel(environment_, model_, options_, &compiled_));
    void *signature = nullptr, *tensor = nullptr, *requirements = nullptr;
    must("reading the signature", LiteRtGetModelSignature(model_, 0, &signature));
    must("reading the input", LiteRtGetSignatureInputTensorByIndex(signature, 0, &tensor));
    must("sizing the input", LiteRtGetCompiledModelInputBufferRequirements(compiled_, 0, 0, &requirements));
    input_ = buffer(tensor, requirements);
    must("reading the output", LiteRtGetSignatureOutputTensorByIndex(signature, 0, &tensor));
    must("sizing the output", LiteRtGetCompiledModelOutputBufferRequirements(compiled_, 0, 0, &requirements));
    output_ = buffer(tensor, requirements);
  }

  size_t inputs() const override { return input_.bytes / sizeof(float); }
  size_t outputs() const override { return output_.bytes / sizeof(float); }
  void set(const float* window) override {
    std::memcpy(lock(input_, kWrite), window, input_.bytes);
    must("unlocking", LiteRtUnlockTensorBuffer(input_.handle));
  }
  void invoke() override {
    must("running", LiteRtRunCompiledModel(compiled_, 0, 1, &input_.handle, 1, &output_.handle));
  }
  void get(float* logits) override {
    std::memcpy(logits, lock(output_, kRead), output_.bytes);
    must("unlocking", LiteRtUnlockTensorBuffer(output_.handle));
  }

 private:
  Buffer buffer(void* tensor, void* requirements) {
    alignas(16) char type[512];  // a ranked tensor type: only handed through
    must("reading a tensor's type", LiteRtGetRankedTensorType(tensor, type));
    Buffer made;
    must("making a buffer",
         LiteRtCreateManagedTensorBufferFromRequirements(environment_, type, requirements, &made.handle));
    must("sizing a buffer", LiteRtGetTensorBufferPackedSize(made.handle, &made.bytes));
    return made;
  }

  static void* lock(const Buffer& buffer, int mode) {
    void* address = nullptr;
    must("locking", LiteRtLockTensorBuffer(buffer.handle, &address, mode));
    return address;
  }

  void *environment_ = nullptr, *model_ = nullptr, *options_ = nullptr, *compiled_ = nullptr;
  Buffer input_, output_;
};

}  // namespace

std::unique_ptr<Model> open_model(const char* path) { return std::make_unique<LiteRt>(path); }

// LiteRT's C interface does not tell its version; who put the library there knows.
std::string runtime_version() { return ""; }

}  // namespace smldist
