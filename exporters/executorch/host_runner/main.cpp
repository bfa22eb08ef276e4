// Runs a .pte as a phone or a board does, without Python and torch: host_runner MODEL.pte WINDOWS.f32 LOGITS.f32
//
// WINDOWS.f32 holds n windows of raw float32 in the order of the first input's shape [1, C, 1, T]; LOGITS.f32 becomes
// n rows of raw float32, [K] each. Exit status 1 and one line on standard error when anything is wrong.

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

using executorch::extension::from_blob;
using executorch::extension::Module;
using executorch::runtime::Error;

namespace {

std::vector<float> read_floats(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error(std::string(path) + " cannot be read");
  const auto size = static_cast<size_t>(file.tellg());
  if (size == 0 || size % sizeof(float)) throw std::runtime_error(std::string(path) + " holds no float32 values");
  std::vector<float> values(size / sizeof(float));
  file.seekg(0);
  if (!file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(size)))
    throw std::runtime_error(std::string(path) + " cannot be read");
  return values;
}

[[noreturn]] void fail(const char* step, Error error) {
  throw std::runtime_error(std::string(step) + " failed with error " + std::to_string(static_cast<int>(error)));
}

void run(const char* model, const char* windows_path, const char* logits_path) {
  Module module(model);
  if (const auto error = module.load_forward(); error != Error::Ok) fail("loading", error);
  const auto meta = module.method_meta("forward");
  if (!meta.ok()) fail("reading the shape", meta.error());
  const auto input = meta->input_tensor_meta(0);
  if (!input.ok()) fail("reading the shape", input.error());

  const std::vector<executorch::aten::SizesType> shape(input->sizes().begin(), input->sizes().end());
  const size_t window = input->nbytes() / sizeof(float);
  auto windows = read_floats(windows_path);
  if (windows.size() % window)
    throw std::runtime_error("windows hold " + std::to_string(windows.size()) + " values, expected a multiple of " +
                             std::to_string(window));

  std::ofstream logits(logits_path, std::ios::binary);
  for (size_t start = 0; start < windows.size(); start += window) {
    const auto tensor = from_blob(windows.data() + start, shape);
    const auto result = module.forward(tensor);
    if (!result.ok()) fail("running", result.error());
    const auto& output = result->at(0).toTensor();
    logits.write(reinterpret_cast<const char*>(output.const_data_ptr<float>()),
                 static_cast<std::streamsize>(output.numel() * sizeof(float)));
  }
  if (!logits.flush()) throw std::runtime_error(std::string(logits_path) + " cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL.pte WINDOWS.f32 LOGITS.f32\n", argv[0]);
    return 2;
  }
  try {
    run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "host_runner: %s\n", error.what());
    return 1;
  }
  return 0;
}
