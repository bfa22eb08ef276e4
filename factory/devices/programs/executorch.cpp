// ExecuTorch's own runtime with XNNPACK, without torch.

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <stdexcept>
#include <vector>

#include "runner.h"

using executorch::extension::from_blob;
using executorch::extension::Module;
using executorch::extension::TensorPtr;
using executorch::runtime::Error;

namespace smldist {
namespace {

[[noreturn]] void fail(const char* step, Error error) {
  throw std::runtime_error(std::string(step) + " failed with ExecuTorch error " +
                           std::to_string(static_cast<int>(error)));
}

class ExecuTorch final : public Model {
 public:
  explicit ExecuTorch(const char* path) : module_(path) {
    if (const auto error = module_.load_forward(); error != Error::Ok) fail("loading", error);
    const auto meta = module_.method_meta("forward");
    if (!meta.ok()) fail("reading the shapes", meta.error());
    const auto input = meta->input_tensor_meta(0), output = meta->output_tensor_meta(0);
    if (!input.ok() || !output.ok()) fail("reading the shapes", Error::InvalidProgram);
    window_.resize(input->nbytes() / sizeof(float));
    logits_.resize(output->nbytes() / sizeof(float));
    tensor_ = from_blob(window_.data(), {input->sizes().begin(), input->sizes().end()});
  }

  size_t inputs() const override { return window_.size(); }
  size_t outputs() const override { return logits_.size(); }
  void set(const float* window) override { window_.assign(window, window + window_.size()); }
  void invoke() override {
    const auto result = module_.forward(tensor_);
    if (!result.ok()) fail("running", result.error());
    const float* const values = result->at(0).toTensor().const_data_ptr<float>();
    std::copy(values, values + logits_.size(), logits_.begin());
  }
  void get(float* logits) override { std::copy(logits_.begin(), logits_.end(), logits); }

 private:
  Module module_;
  TensorPtr tensor_;
  std::vector<float> window_, logits_;
};

}  // namespace

std::unique_ptr<Model> open_model(const char* path) { return std::make_unique<ExecuTorch>(path); }

std::string runtime_version() { return ""; }

}  // namespace smldist
