"""A build's files on devices as a Markdown table: what docs/targets/arm64.md and the README show."""

from factory.contracts.manifest import Manifest, OnDevice
from factory.reporting.view import measured


def markdown(manifest: Manifest) -> str:
    """A row a file: size, accuracy on the host, and on each device instructions or time and what differs there.

    Args:
        manifest: Of a build that devices answered.

    Returns:
        The table; a sentence where no device did.
    """
    runs = [run for run in manifest.devices if run.artifacts]
    if not runs:
        return "No device answered this build: factory verify BUILD --device arm64"
    heads = [head for run in runs for head in (run.device, "differ")]
    lines = [f"| file | kB | host accuracy | {' | '.join(heads)} |", f"|---|---|---|{'---|' * len(heads)}"]
    for item in measured(manifest):
        seen = [next((s for s in run.artifacts if s.subject == item.artifact.path), None) for run in runs]
        if not any(seen):
            continue
        host = next((s.host_accuracy for s in seen if s is not None), None)
        cells = [cell for found in seen for cell in _cells(found)]
        accuracy = "" if host is None else f"{host:.4f}"
        lines.append(f"| {item.name} | {item.artifact.size_bytes / 1000:.0f} | {accuracy} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(seen: OnDevice | None) -> tuple[str, str]:
    """Cost, and the windows that differ from the host's with the largest difference of a logit."""
    if seen is None:
        return "", ""
    cost = f"{seen.instructions:,}" if seen.instructions is not None else ""
    if seen.latency is not None:
        cost = f"{seen.latency.median_us:.0f} µs"
    found = seen.difference
    return cost, f"{round((1 - found.equal) * found.windows)} of {found.windows}, {found.max_abs:.2g}"
