// Runs a model file on this machine: PROGRAM MODEL WINDOWS.f32 LOGITS.f32 COUNTED TIMED
//
// WINDOWS.f32 holds n windows of raw float32, each in the order of the model's input; LOGITS.f32 becomes n rows of raw
// float32. Then the first window is inferred again: COUNTED times with a getppid() system call on either side, by which
// an emulator's plug-in counts instructions, and TIMED times by the clock. One line of JSON on standard output.
// Exit status 1 and one line on standard error when anything is wrong.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "runner.h"

namespace {

constexpr int kWarmUp = 8;

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

size_t answer(smldist::Model& model, const std::vector<float>& windows, const char* path) {
  if (windows.size() % model.inputs())
    throw std::runtime_error("windows hold " + std::to_string(windows.size()) + " values, expected a multiple of " +
                             std::to_string(model.inputs()));
  std::ofstream file(path, std::ios::binary);
  std::vector<float> logits(model.outputs());
  for (size_t start = 0; start < windows.size(); start += model.inputs()) {
    model.set(windows.data() + start);
    model.invoke();
    model.get(logits.data());
    file.write(reinterpret_cast<const char*>(logits.data()),
               static_cast<std::streamsize>(logits.size() * sizeof(float)));
  }
  if (!file.flush()) throw std::runtime_error(std::string(path) + " cannot be written: no space left on device?");
  return windows.size() / model.inputs();
}

void count(smldist::Model& model, int times) {
  if (times == 0) return;
  getppid();
  getppid();  // the span between these two holds nothing: what marking itself costs
  for (int i = 0; i < times; i++) {
    model.invoke();
    getppid();
  }
}

std::string durations(smldist::Model& model, int times) {
  std::string text;
  for (int i = 0; i < times; i++) {
    const auto start = std::chrono::steady_clock::now();
    model.invoke();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    text += (i ? "," : "") + std::to_string(took.count());
  }
  return text;
}

void run(char** argv) {
  const auto model = smldist::open_model(argv[1]);
  const auto windows = read_floats(argv[2]);
  const int counted = std::atoi(argv[4]), timed = std::atoi(argv[5]);
  const size_t n = answer(*model, windows, argv[3]);
  model->set(windows.data());
  for (int i = 0; i < kWarmUp && counted + timed > 0; i++) model->invoke();
  count(*model, counted);
  const auto times = durations(*model, timed);
  std::printf("{\"windows\": %zu, \"classes\": %zu, \"runtime\": \"%s\", \"latency_us\": [%s]}\n", n, model->outputs(),
              smldist::runtime_version().c_str(), times.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s MODEL WINDOWS.f32 LOGITS.f32 COUNTED TIMED\n", argv[0]);
    return 2;
  }
  try {
    run(argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}
