// What every runner shares with main.cpp: one model, opened once, asked window after window.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace smldist {

class Model {
 public:
  virtual ~Model() = default;
  virtual size_t inputs() const = 0;   // float32 values of one window
  virtual size_t outputs() const = 0;  // float32 values of its logits
  virtual void set(const float* window) = 0;
  virtual void invoke() = 0;
  virtual void get(float* logits) = 0;
};

// Throws std::runtime_error with one line.
std::unique_ptr<Model> open_model(const char* path);

// Name and version of the runtime, for example "LiteRT 2.3.0"; empty where it cannot tell.
std::string runtime_version();

}  // namespace smldist
