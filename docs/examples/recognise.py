# %% [markdown]
# From recordings to labels in one notebook: build a model, look at what was verified, ask it.
# Cells begin with "# %%": open this file as a notebook in VS Code, PyCharm or Jupyter (jupytext), or run it as it is.

# %%
from pathlib import Path

import numpy as np

import factory

RECIPE = "demo"
OUT = Path("build/demo")

# %% [markdown]
# A recipe is a value: look at it, change it, give it on. `demo` trains on recordings that come with the package.

# %%
recipe = factory.load_recipe(RECIPE, seed=0)
print(recipe.name, recipe.data.window, "samples at", recipe.data.rate_hz, "Hz")

# %% [markdown]
# A build trains teacher and student, exports, verifies and reports. A second call redoes only what changed. A broken
# gate raises; `check=False` returns the build all the same.

# %%
build = factory.build(recipe, out=OUT)
student = build.manifest.conversion[0].accuracy
baseline = build.manifest.baseline
print("student", round(student.macro_f1, 3), "trees", round(baseline.accuracy.macro_f1, 3))
for check in build.manifest.checks[:5]:
    print(check.outcome, check.target, check.gate, check.value)

# %% [markdown]
# Any file of any target answers through its own runtime. Windows are (N, channels, samples), raw SI units.

# %%
golden = np.load(OUT / "golden.npz")
with factory.Model(build.file("tflite", "fp32")) as model:
    answer = model.predict(golden["x"])
print(answer.labels[:3], answer.probabilities[:3].max(axis=1))
assert np.array_equal(answer.logits.argmax(axis=1), golden["logits"].argmax(axis=1))

# %% [markdown]
# A recording is resampled by its time stamps and cut as the contract says. Say the unit where it is not the contract's.

# %%
channels = [channel.name for channel in model.contract.window.channels]
samples = golden["x"][:4].transpose(0, 2, 1).reshape(-1, len(channels))
table = {name: samples[:, column] for column, name in enumerate(channels)}
table["time_s"] = np.arange(len(samples)) / model.contract.window.rate_hz
told = model.predict_recording(table)
print(list(zip(told.start_s.round(2).tolist(), told.labels.tolist(), strict=True)))

in_g = {name: values / 9.80665 if name.startswith("acc") else values for name, values in table.items()}
again = model.predict_recording(in_g, units={"accelerometer": "g"})
assert np.array_equal(again.labels, told.labels)

# %% [markdown]
# Verifying needs the runtimes only: no torch, no TensorFlow. Another machine may have neither.

# %%
opened = factory.open_build(OUT)
print(len(factory.verify(opened).checks), "gates, none broken")
