"""Named arm64 cores that QEMU emulates. Never its default or 'max': QEMU 7.2 computes their int8 extension wrongly."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One core.

    Attributes:
        name: For QEMU's -cpu and in reports.
        part: In /proc/cpuinfo; must be that of the core, or runtimes pick instructions that it lacks.
        features: In /proc/cpuinfo.
        dot_product: Whether it multiplies and adds int8 in one instruction.
        why: What it stands for.
    """

    name: str
    part: str
    features: str
    dot_product: bool
    why: str

    @property
    def cpuinfo(self) -> str:
        """What /proc/cpuinfo says on a board with one such core."""
        return (
            "processor\t: 0\nBogoMIPS\t: 100.00\n"
            f"Features\t: {self.features}\n"
            "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n"
            f"CPU part\t: {self.part}\nCPU revision\t: 4\n\n"
        )


_ARMV8 = "fp asimd evtstrm aes pmull sha1 sha2 crc32"

PROFILES = {
    "cortex-a53": Profile(
        name="cortex-a53",
        part="0xd03",
        features=f"{_ARMV8} cpuid",
        dot_product=False,
        why="small core of old and cheap phones; no int8 dot product",
    ),
    "cortex-a76": Profile(
        name="cortex-a76",
        part="0xd0b",
        features=f"{_ARMV8} atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
        dot_product=True,
        why="large core of phones since 2019 and of the Raspberry Pi 5; int8 dot product",
    ),
}
