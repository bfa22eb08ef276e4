// ONNX Runtime's C interface, of which the wheel ships the library but no header: a table of functions whose order is
// stable (onnxruntime_c_api.h: "new functions are only added at the end").

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "runner.h"

extern "C" {
struct OrtApiBase {
  const void* const* (*get_api)(uint32_t version);
  const char* (*get_version)();
};
const OrtApiBase* OrtGetApiBase();
}

namespace smldist {
namespace {

constexpr uint32_t kVersion = 1;  // of the table: all that is called here was in the first
constexpr int kFloat = 1, kDeviceAllocator = 0, kDefaultMemory = 0, kFatal = 4;

enum Function {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kSessionGetInputTypeInfo = 33,
  kSessionGetOutputTypeInfo = 34,
  kCreateTensorWithData = 49,
  kCastTypeInfoToTensorInfo = 55,
  kGetDimensionsCount = 61,
  kGetDimensions = 62,
  kCreateCpuMemoryInfo = 69,
};

const void* const* api() {
  static const void* const* const table = OrtGetApiBase()->get_api(kVersion);
  if (!table) throw std::runtime_error("ONNX Runtime refuses version 1 of its interface");
  return table;
}

// Calls a function of the table; all of these answer a status, which is null where they succeeded.
template <typename... Arguments>
void call(const char* step, Function function, Arguments... arguments) {
  void* const status = reinterpret_cast<void* (*)(Arguments...)>(const_cast<void*>(api()[function]))(arguments...);
  if (!status) return;
  const auto message = reinterpret_cast<const char* (*)(void*)>(const_cast<void*>(api()[kGetErrorMessage]));
  throw std::runtime_error(std::string(step) + " failed: " + message(status));
}

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
  void* handle = nullptr;
};

class OnnxRuntime final : public Model {
 public:
  explicit OnnxRuntime(const char* path) {
    setenv("ORT_DISABLE_TELEMETRY", "1", 0);  // its thread would be counted, its database lie on the device
    void* options = nullptr;
    call<int, const char*, void**>("starting", kCreateEnv, kFatal, "smldist", &environment_);
    call<void**>("making options", kCreateSessionOptions, &options);
    call<void*, int>("choosing one thread", kSetIntraOpNumThreads, options, 1);
    call<void*, int>("choosing one thread", kSetInterOpNumThreads, options, 1);
    call<void*, const char*, void*, void**>("loading", kCreateSession, environment_, path, options, &session_);
    call<int, int, void**>("describing memory", kCreateCpuMemoryInfo, kDeviceAllocator, kDefaultMemory, &memory_);
    describe(kSessionGetInputTypeInfo, input_);
    describe(kSessionGetOutputTypeInfo, output_);
  }

  size_t inputs() const override { return input_.values.size(); }
  size_t outputs() const override { return output_.values.size(); }
  void set(const float* window) override { input_.values.assign(window, window + input_.values.size()); }
  void invoke() override {
    call<void*, void*, const char* const*, void* const*, size_t, const char* const*, size_t, void**>(
        "running", kRun, session_, nullptr, &kInput, &input_.handle, 1, &kOutput, 1, &output_.handle);
  }
  void get(float* logits) override { std::copy(output_.values.begin(), output_.values.end(), logits); }

 private:
  static constexpr const char* kInput = "imu";
  static constexpr const char* kOutput = "logits";

  void describe(Function kind, Tensor& tensor) {
    void *type = nullptr, *info = nullptr;
    size_t rank = 0, size = 1;
    call<void*, size_t, void**>("reading a tensor", kind, session_, 0, &type);
    call<void*, void**>("reading a tensor", kCastTypeInfoToTensorInfo, type, &info);
    call<void*, size_t*>("reading a shape", kGetDimensionsCount, info, &rank);
    tensor.shape.resize(rank);
    call<void*, int64_t*, size_t>("reading a shape", kGetDimensions, info, tensor.shape.data(), rank);
    for (const auto length : tensor.shape) {
      if (length < 1) throw std::runtime_error("a tensor's shape is not fixed");
      size *= static_cast<size_t>(length);
    }
    tensor.values.resize(size);
    call<void*, void*, size_t, const int64_t*, size_t, int, void**>(
        "making a tensor", kCreateTensorWithData, memory_, tensor.values.data(), size * sizeof(float),
        tensor.shape.data(), rank, kFloat, &tensor.handle);
  }

  void *environment_ = nullptr, *session_ = nullptr, *memory_ = nullptr;
  Tensor input_, output_;
};

}  // namespace

std::unique_ptr<Model> open_model(const char* path) { return std::make_unique<OnnxRuntime>(path); }

std::string runtime_version() { return std::string("ONNX Runtime ") + OrtGetApiBase()->get_version(); }

}  // namespace smldist
