"""Android's own TensorFlow Lite on an emulated core: `factory devices setup android`.

Maven Central brings the AAR that an app is built with. Its arm64 library is run unmodified: the kernels that the app
ships. It is linked against Android's C library, for which programs/bionic.c stands on glibc; so neither Android's
loader nor its runtime is tested, and no thread is started.
"""

import shutil
import zipfile
from functools import partial
from pathlib import Path

from factory.contracts.errors import ArtifactError, MissingToolError
from factory.contracts.files import BROKEN_ZIP, sha256_file
from factory.devices.runtimes import PROGRAMS, Runtime
from factory.devices.setups import C_COMPILER, COMPILER, Kind, run_step

PACKAGE, VERSION = "org.tensorflow:tensorflow-lite", "2.16.1"
SHA256 = "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e"
"""Of the AAR; anything else is refused."""
LIBRARY = "libtensorflowlite_jni.so"
ANDROID_RUNTIMES = {
    "tflite": Runtime(
        program="tflite_android",
        title="TensorFlow Lite",
        release="for Android",
        package=PACKAGE,
        libraries=(LIBRARY, "libc.so", "libm.so", "libdl.so", "liblog.so"),
        linked=(),
        time_last=False,
    )
}
_MEMBER = f"jni/arm64-v8a/{LIBRARY}"
_DOWNLOAD_S = 300


def android(aar: Path | None = None) -> Kind:
    """The set-up.

    Args:
        aar: The file, downloaded before; None asks Maven Central.
    """
    return Kind(name="android", made_of=f"{SHA256} {ANDROID_RUNTIMES!r}", fill=partial(_fill, aar))


def _fill(aar: Path | None, folder: Path) -> dict[str, str]:
    """Fetch, unpack, compile."""
    archive = folder / "tensorflow-lite.aar"
    if aar is None:
        _download(archive)
    else:
        shutil.copyfile(aar, archive)
    if (digest := sha256_file(archive)) != SHA256:
        raise ArtifactError(
            f"{aar or PACKAGE} has SHA-256 {digest[:12]}, expected {SHA256[:12]}: download {VERSION} again"
        )
    try:
        with zipfile.ZipFile(archive) as held:
            (folder / "lib" / LIBRARY).write_bytes(held.read(_MEMBER))
    except (*BROKEN_ZIP, KeyError) as error:
        raise ArtifactError(f"{archive.name} is corrupt ({error}): download it again") from error
    archive.unlink()
    program = [COMPILER, "-std=c++17", "-O2", str(PROGRAMS / "main.cpp"), str(PROGRAMS / "tflite_android.cpp")]
    run_step([*program, "-ldl", "-o", str(folder / "bin/tflite_android")], "compiling the program", f"check {COMPILER}")
    _stand_for_android(folder / "lib")
    return {PACKAGE: VERSION}


def _download(archive: Path) -> None:
    if shutil.which("mvn") is None:
        raise MissingToolError("mvn is missing: apt-get install maven, or name the file by --aar")
    folder = archive.with_name("download")
    command = ["mvn", "--batch-mode", "--quiet", "dependency:copy", f"-Dartifact={PACKAGE}:{VERSION}:aar"]
    command += [f"-DoutputDirectory={folder}"]
    run_step(command, f"downloading {PACKAGE}", "check the network, or name the file by --aar", _DOWNLOAD_S)
    next(folder.glob("*.aar")).replace(archive)
    shutil.rmtree(folder)


def _stand_for_android(lib: Path) -> None:
    """Android's libc.so over glibc, and the empty libraries whose functions it holds, too."""
    script = f"-Wl,--version-script={PROGRAMS / 'bionic.map'}"
    sources = {
        "libc.so": (str(PROGRAMS / "bionic.c"), script, "-lm"),
        "libm.so": ("-x", "c", "/dev/null", script),
        "libdl.so": ("-x", "c", "/dev/null", script),
        "liblog.so": (str(PROGRAMS / "bionic_log.c"),),
    }
    for name, arguments in sources.items():
        command = [C_COMPILER, "-O2", "-w", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", str(lib / name)]
        run_step([*command, *arguments], f"compiling {name}", f"check {C_COMPILER}")
